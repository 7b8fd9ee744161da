/**
 * The demo wholesaler's database as a process: `node scripts/demo/main.ts --dir DIR [--port P] [--last-day D]`.
 *
 * Prints one line `READY {"url","readerUrl","orders","orderLines","loaded"}` when the database is loaded and takes
 * connections; stops, with the server, at the end of standard input or on SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { loadDemo } from '#scripts/demo/load';
import { startPostgres } from '#scripts/demo/postgres';
import { DEMO } from '#scripts/demo/wholesaler';

const HELP = `node scripts/demo/main.ts --dir DIR [--port P] [--last-day YYYY-MM-DD]
  Serves the demo wholesaler's PostgreSQL from DIR (made and loaded when missing) on 127.0.0.1.
  --port P      port; a free one when left out
  --last-day D  where the history ends when the database is made now (default ${DEMO.lastDay}); one that is there stays
Stops at the end of standard input, on SIGTERM and on SIGINT.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string' },
      port: { type: 'string' },
      'last-day': { type: 'string', default: DEMO.lastDay },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true || values.dir === undefined) {
    console.log(HELP);
    return values.help === true ? 0 : 2;
  }
  const lastDay = z.iso.date().safeParse(values['last-day']);
  if (!lastDay.success) {
    console.error(`--last-day: "${values['last-day']}" is no date; write it as 2026-06-30.`);
    return 2;
  }
  const asked = new Promise<void>((resolve) => {
    process.stdin
      .on('end', resolve)
      .on('error', () => resolve())
      .resume();
    process.once('SIGTERM', () => resolve()).once('SIGINT', () => resolve());
  });
  const port = values.port === undefined ? {} : { port: Number(values.port) };
  const server = await startPostgres({
    dir: values.dir,
    ...port,
    database: 'wholesale',
    user: 'owner',
    password: 'demo-owner',
  });
  try {
    const { readerUrl, ...counts } = await loadDemo(server.url, { ...DEMO, lastDay: lastDay.data });
    console.log(`READY ${JSON.stringify({ url: server.url, readerUrl, ...counts })}`);
    const lost = await Promise.race([asked.then(() => false), server.exited.then(() => true)]);
    if (lost)
      console.error('demo database: the PostgreSQL server ended by itself; see postgres.log in its folder');
    return lost ? 1 : 0;
  } finally {
    await server.stop();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(`demo database: ${error instanceof Error ? error.message : String(error)}`);
  return 1;
});
process.stdin.destroy();
