/*
 * The ledger of types: what became of each edge value of each type of each kind of source. Tests that compare write down
 * what they compared; `npm run types-ledger` makes a document of it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the parts of the ledger go: a folder; unset, nothing is written. */
export const LEDGER_FOLDER = 'TYPES_LEDGER';

/** One value on its way. */
export interface LedgerRow {
  /** The source's own type. */
  readonly type: string;
  /** As it was given to the source. */
  readonly value: string;
  /** The type in the warehouse. */
  readonly warehouse: string;
  /** What should arrive: the value as DuckDB writes it; or why its row is rejected. */
  readonly expected: string;
  readonly obtained: string;
}

/** What a row's rejection is called in the ledger. */
export function rejectedAs(reason: string): string {
  return `rejected: ${reason}`;
}

/** Rows of `source`, written when the test file is over. */
export function openLedger(source: string): {
  readonly add: (row: LedgerRow) => void;
  readonly close: () => void;
} {
  const rows: LedgerRow[] = [];
  return {
    add: (row) => void rows.push(row),
    close() {
      const folder = process.env[LEDGER_FOLDER];
      if (folder === undefined) return;
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${source}.json`), JSON.stringify({ source, rows }));
    },
  };
}

/** Long values by their beginning and length; what would break a table of Markdown, escaped. */
function cell(text: string): string {
  const short = text.length > 90 ? `${text.slice(0, 60)}… (${text.length} characters)` : text;
  const shown = JSON.stringify(short).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\');
  return shown === '' ? '(empty)' : `\`${shown.replaceAll('|', '\\|').replaceAll('`', "'")}\``;
}

/** The document: a table for each source; where expected and obtained are one, it is said once. */
export function ledgerDocument(
  parts: readonly { readonly source: string; readonly rows: readonly LedgerRow[] }[],
): string {
  const all = parts.flatMap(({ rows }) => rows);
  const wrong = all.filter(({ expected, obtained }) => expected !== obtained).length;
  const lines = [
    '# What becomes of each type',
    '',
    `${all.length} values of ${parts.length} kinds of source; ${wrong} arrived otherwise than expected. Values are shown as an independent reader of the staged files writes them. What has no place in the warehouse costs its row, which goes to the table of rejects with its reason, unless the column is loaded as null or as text.`,
  ];
  for (const { source, rows } of parts) {
    lines.push(
      '',
      `## ${source}`,
      '',
      '| type | value | in the warehouse | arrives | |',
      '|---|---|---|---|---|',
    );
    for (const { type, value, warehouse, expected, obtained } of rows) {
      const same = expected === obtained;
      const arrives = same ? cell(obtained) : `${cell(obtained)} instead of ${cell(expected)}`;
      lines.push(
        `| ${cell(type)} | ${cell(value)} | ${warehouse} | ${arrives} | ${same ? '' : '**wrong**'} |`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
