/** `npm run types-ledger -- FILE`: runs the tests of every type of every kind of source and writes what they saw as a document. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { LEDGER_FOLDER, ledgerDocument } from '#tests/types-ledger';
import { ROOT } from './deployables.ts';

const HELP = `npm run types-ledger -- FILE

Reads every edge value of every type from PostgreSQL, MariaDB, the tests' SQL Server, the local BigQuery, delimited text and Parquet, compares what
arrived with what should, and writes both to FILE (Markdown).`;

const Row = z.object({
  type: z.string(),
  value: z.string(),
  warehouse: z.string(),
  expected: z.string(),
  obtained: z.string(),
});
const Part = z.object({ source: z.string(), rows: z.array(Row) });

const [file] = process.argv.slice(2);
if (file === undefined || file === '--help') {
  console.log(HELP);
  process.exitCode = file === undefined ? 2 : 0;
} else {
  const folder = mkdtempSync(join(tmpdir(), 'tradewind-types-'));
  try {
    const jest = spawnSync(
      process.execPath,
      ['--no-warnings', join(ROOT, 'node_modules/jest/bin/jest.js'), 'tests/contract/.*-types.test.ts'],
      { cwd: ROOT, stdio: 'inherit', env: { ...process.env, [LEDGER_FOLDER]: folder } },
    );
    const parts = readdirSync(folder)
      .sort()
      .map((name) => Part.parse(JSON.parse(readFileSync(join(folder, name), 'utf8'))));
    writeFileSync(resolve(file), ledgerDocument(parts));
    console.log(`${parts.reduce((sum, { rows }) => sum + rows.length, 0)} values: ${resolve(file)}`);
    process.exitCode = jest.status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
