import { parseArgs } from 'node:util';
import { TerminalError } from '#core/errors';
import { startLocalCloud } from './cloud.ts';
import { PIECES } from './environment.ts';
import type { PieceName } from './environment.ts';

const HELP = `Usage: node scripts/local/main.ts [--state DIR] [--reset] [--only PIECE,…] [--root DIR] [--tick SECONDS]

Starts the local cloud by itself, prints the environment that leads programs to it, and stays up until Ctrl-C.

  --state DIR     where everything is kept (default .tradewind)
  --reset         begin with empty state
  --only LIST     start only these pieces: ${PIECES.join(', ')}
  --root DIR      folder of functions/, firebase.json and firestore.rules (default: this repository)
  --tick SECONDS  seconds between two "tick" messages (default 20, 0 for none)
  --help          this text
`;

try {
  const { values } = parseArgs({
    options: {
      state: { type: 'string', default: '.tradewind' },
      reset: { type: 'boolean', default: false },
      only: { type: 'string' },
      root: { type: 'string' },
      tick: { type: 'string', default: '20' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) process.stdout.write(HELP);
  else await run(values);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof TerminalError && error.remedy !== undefined) console.error(error.remedy);
  process.exitCode = 1;
}

async function run(values: {
  state: string;
  reset: boolean;
  only?: string;
  root?: string;
  tick: string;
}): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    process.on('SIGINT', () => resolve());
    process.on('SIGTERM', () => resolve());
  });
  const cloud = await startLocalCloud({
    stateDir: values.state,
    reset: values.reset,
    tickSeconds: Number(values.tick),
    ...(values.root === undefined ? {} : { root: values.root }),
    // startLocalCloud refuses names it does not know.
    ...(values.only === undefined ? {} : { only: values.only.split(',') as PieceName[] }),
    onProgress: ({ piece, state, detail }) => console.error(`${piece} ${state}: ${detail}`),
  });
  for (const [name, value] of Object.entries(cloud.env)) console.log(`export ${name}='${value}'`);
  console.log(`# web ${cloud.urls.web}  functions ${cloud.urls.functions}  services ${cloud.urls.services}`);
  await stopped;
  await cloud.stop();
}
