import path from 'node:path';
import { parseArgs } from 'node:util';
import { TerminalError, toError } from '#core/errors';
import { parseColumns, type ColumnChoices } from '#scripts/start/columns';
import { parseSourceUrl, type DatabaseAddress } from '#scripts/start/source-url';

/** How the text of an order file is written. */
const ENCODINGS = ['utf-8', 'latin1', 'windows-1252', 'utf-16'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** What `npm start` was asked to do. */
export interface StartOptions {
  /** Where the orders come from. */
  readonly input:
    | { readonly kind: 'demo' }
    | { readonly kind: 'orders'; readonly file: string; readonly encoding: Encoding }
    | { readonly kind: 'source'; readonly address: DatabaseAddress };
  /** Columns given by the user; what is left out is guessed. */
  readonly columns: ColumnChoices;
  /** End after the main job instead of staying up. */
  readonly once: boolean;
  /** Write the report here as well. */
  readonly report: string | null;
  /** Begin with an empty state folder. */
  readonly reset: boolean;
  readonly state: string;
}

/** The text of `--help`. */
export const HELP = `npm start -- [options]

Starts Tradewind on this machine, without any cloud account, and runs its main job through the public HTTP API:
a company's orders go from its database to the warehouse, a model is trained, deployed, and asked what three
customers should be offered. Without --orders or --source the company is a generated wholesaler in a real PostgreSQL.
Stays up afterwards, with the web application, until Ctrl-C.

  --once               end after the main job
  --orders FILE        use your own order lines (.csv, .csv.gz, .csv.zst or .parquet; one line per article bought)
  --encoding NAME      of a CSV file: utf-8 (default), latin1 or windows-1252 (what older programs write), utf-16
  --source URL         use your own database: postgres://user:password@host:port/database (?sslmode=require),
                       or mysql://… for MySQL and MariaDB, sqlserver://… for SQL Server
  --columns LIST       which columns mean what, for --orders and --source, as role=column[,role=column…]
                       roles: customer, item, time; and where there are: quantity, price, value, order, name
                       (of the article), category, brand, customer-name, segment (of the customer), superseded-by
                       with --source a column may be written table.column; what is left out is guessed
  --report FILE.json   write steps, counts, metrics and recommendations to FILE.json
  --reset              begin anew: forget everything in the state folder
  --state DIR          keep everything in DIR (default .tradewind)
  --help               this text

Exit codes: 0 done, 1 the main job failed (the reason and the remedy are said), 2 wrong options, 130 interrupted.

Examples
  npm start -- --once --report report.json
  npm start -- --orders orders.csv.gz --columns customer=CustomerID,item=StockCode,time=InvoiceDate
  npm start -- --source postgres://reader:secret@db.example.com/shop?sslmode=verify-full`;

/**
 * The options in `argv` (without node and script); 'help' when that was asked for. Paths come out absolute.
 *
 * @param from the folder the user is in: where relative paths begin
 * @param home the project's folder: where the state is kept unless said otherwise
 * @throws TerminalError `usage`, naming the option or value and what would be right.
 */
export function parseOptions(argv: readonly string[], from: string, home: string): StartOptions | 'help' {
  const values = readArguments(argv);
  if (values.help === true) return 'help';
  if (values.orders !== undefined && values.source !== undefined)
    throw usage('--orders and --source exclude each other.', 'Give the one your order lines are in.');
  const input = inputOf(values.orders, values.source, encodingOf(values.encoding), from);
  if (input.kind !== 'orders' && values.encoding !== undefined)
    throw usage('--encoding says how a file is written, and there is none.', 'Give --orders FILE with it.');
  if (values.encoding !== undefined && isParquet(values.orders ?? ''))
    throw usage('--encoding says nothing about a Parquet file.', 'Leave it out.');
  if (input.kind === 'demo' && values.columns !== undefined)
    throw usage(
      '--columns says nothing about the demo wholesaler.',
      'Give --orders FILE or --source URL with it.',
    );
  const report = filled('--report', values.report);
  const state = filled('--state', values.state);
  return {
    input,
    columns: parseColumns(values.columns ?? ''),
    once: values.once ?? false,
    report: report === undefined ? null : path.resolve(from, report),
    reset: values.reset ?? false,
    state: state === undefined ? path.join(home, '.tradewind') : path.resolve(from, state),
  };
}

function readArguments(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        once: { type: 'boolean' },
        orders: { type: 'string' },
        source: { type: 'string' },
        columns: { type: 'string' },
        encoding: { type: 'string' },
        report: { type: 'string' },
        reset: { type: 'boolean' },
        state: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw usage(toError(cause).message, 'Run `npm start -- --help` for all options.', cause);
  }
}

function inputOf(
  orders: string | undefined,
  source: string | undefined,
  encoding: Encoding,
  from: string,
): StartOptions['input'] {
  const file = filled('--orders', orders);
  if (file !== undefined) return { kind: 'orders', file: path.resolve(from, file), encoding };
  const url = filled('--source', source);
  if (url !== undefined) return { kind: 'source', address: parseSourceUrl(url) };
  return { kind: 'demo' };
}

/** Whether a file of orders is Parquet, by its name. */
export function isParquet(file: string): boolean {
  return /\.(parquet|parq|pq)$/i.test(file);
}

function encodingOf(text: string | undefined): Encoding {
  const found = ENCODINGS.find((name) => name === (text ?? 'utf-8').toLowerCase());
  if (found !== undefined) return found;
  throw usage(`--encoding: "${text}" is not known.`, `Give ${ENCODINGS.join(' or ')}.`);
}

function filled(option: string, value: string | undefined): string | undefined {
  if (value?.trim() === '')
    throw usage(`${option} was given without a value.`, `Write ${option} VALUE, or leave it out.`);
  return value;
}

function usage(message: string, remedy: string, cause?: unknown): TerminalError {
  return new TerminalError('usage', message, { remedy, cause });
}
