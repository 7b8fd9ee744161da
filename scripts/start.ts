/** `npm start`: the local cloud, the main job on it, and the web application until Ctrl-C. `--help` tells the rest. */
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiError } from '#core/api/client';
import { TerminalError, toError } from '#core/errors';
import { startLocalCloud } from '#scripts/local/cloud';
import { choosePorts } from '#scripts/local/ports';
import { type DemoDatabase, type DemoStarter, makeDemoStarter, startDemoDatabase } from '#scripts/start/demo';
import { runMainJob } from '#scripts/start/main-job';
import { readMemory, writeMemory } from '#scripts/start/memory';
import { HELP, parseOptions, type StartOptions } from '#scripts/start/options';
import { makeProgress, type Progress } from '#scripts/start/progress';
import { makeReport } from '#scripts/start/report';
import { howToReach } from '#scripts/start/reach';
import { checkOrders } from '#scripts/start/source';
import { summarise } from '#scripts/start/summary';
import { buildWeb } from '#scripts/start/web';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Exit codes, as `--help` lists them. */
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    // The second one is impatience: the guardians end what is left.
    if (interrupted.signal.aborted) process.exit(EXIT.interrupted);
    interrupted.abort(new Error('interrupted'));
  });

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const progress = makeProgress(terminal(), () => performance.now());
  try {
    // npm runs scripts in the project's folder and says in INIT_CWD where the user was.
    const options = parseOptions(argv, process.env['INIT_CWD'] ?? process.cwd(), ROOT);
    if (options === 'help') {
      console.log(HELP);
      return EXIT.done;
    }
    await start(options, progress);
    return EXIT.done;
  } catch (error) {
    if (interrupted.signal.aborted) return EXIT.interrupted;
    console.error(`\n${explain(error)}`);
    return error instanceof TerminalError && error.code === 'usage' ? EXIT.usage : EXIT.failed;
  }
}

function terminal() {
  const { stdout } = process;
  // Redrawing is for a person's screen; a build's log wants plain lines.
  const isTTY = stdout.isTTY && process.env['CI'] === undefined && process.env['TERM'] !== 'dumb';
  return { write: (text: string) => stdout.write(text), isTTY, columns: stdout.columns ?? 100 };
}

/** Brings everything up, runs the main job, stays up unless `once`, and takes everything down, whatever happens. */
async function start(options: StartOptions, progress: Progress): Promise<void> {
  await checkFiles(options);
  const { state } = options;
  const memory = await readMemory(state);
  const chosen = await choosePorts(['demo'], memory.demoPort === null ? {} : { demo: memory.demoPort });
  const demoPort = chosen['demo'] ?? 0;
  const stops: (() => Promise<void>)[] = [];
  // Built beside the start of the cloud; without a person to look at it there is no need.
  const web = options.once ? null : buildWeb();
  web?.catch(() => undefined); // said by its step
  const starter =
    options.input.kind === 'demo'
      ? makeDemoStarter(() => startDemoDatabase(path.join(state, 'demo'), demoPort, Date.now()))
      : null;
  try {
    const cloud = await progress.step('cloud', 'Start the local cloud', (say) =>
      startLocalCloud({
        stateDir: state,
        reset: options.reset,
        env: { TRADEWIND_ALLOWED_HOSTS: allowedHost(options, demoPort) },
        onProgress: ({ piece, state: what, detail }) => {
          say(`${piece} ${what}, ${detail}`);
          // Beside the rest of the cloud. At its first sign of life the state folder is ours, and emptied where asked for.
          void starter?.open();
        },
      }),
    );
    stops.push(() => cloud.stop());
    interrupted.signal.throwIfAborted();
    const demo = starter === null ? null : await awaitDemo(starter, state, demoPort, progress);
    if (web !== null)
      await progress.step('web', 'Build the web application', async (say) =>
        say((await web) ? 'built' : 'as before'),
      );
    interrupted.signal.throwIfAborted();
    const outcome = await runMainJob({
      web: cloud.urls.web,
      options,
      demoUrl: demo?.readerUrl ?? null,
      progress,
      signal: interrupted.signal,
    });
    if (options.report !== null)
      await writeFile(options.report, `${JSON.stringify(makeReport(progress.steps, outcome), null, 2)}\n`);
    if (options.report !== null) console.log(`The report is in ${options.report}.\n`);
    console.log(summarise(outcome));
    if (outcome.deployment === null)
      throw new TerminalError(
        'gate-rejected',
        `The quality gate refused the model: ${outcome.rejected.join(' ')}`,
        { remedy: 'More or cleaner order lines help; the former version, if any, stays live.' },
      );
    if (options.once) return;
    console.log(howToReach({ web: cloud.urls.web, env: cloud.env }, outcome, options.state));
    await new Promise<void>((resolve) => {
      if (interrupted.signal.aborted) resolve();
      else interrupted.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    // The cloud first: what runs in it may still read from the demo database.
    for (const stop of [...stops, async () => starter?.stop()])
      await stop().catch((error: unknown) => console.error(explain(error)));
  }
}

/** Finds out before anything is started what would fail minutes later. */
async function checkFiles({ input, report }: StartOptions): Promise<void> {
  if (input.kind === 'orders') await checkOrders(input.file);
  const folder = report === null ? null : path.dirname(path.resolve(report));
  if (folder !== null && (await stat(folder).catch(() => null))?.isDirectory() !== true)
    throw new TerminalError('usage', `--report: there is no folder ${folder}.`, {
      remedy: 'Make it, or name a file in a folder that exists.',
    });
}

/** The person at the keyboard is the operator here: the database they named may be private. */
function allowedHost({ input }: StartOptions, demoPort: number): string {
  if (input.kind === 'demo') return `127.0.0.1:${demoPort}`;
  return input.kind === 'source' ? `${input.address.settings.host}:${input.address.settings.port}` : '';
}

async function awaitDemo(
  starter: DemoStarter,
  state: string,
  port: number,
  progress: Progress,
): Promise<DemoDatabase> {
  return progress.step('demo-database', 'Start the demo wholesaler', async (say) => {
    const demo = await starter.open();
    await writeMemory(state, { ...(await readMemory(state)), demoPort: port });
    say(`${demo.orderLines.toLocaleString('en-US')} order lines in PostgreSQL`);
    return demo;
  });
}

/** One sentence what happened and one what to do; a stack only for what nobody foresaw. */
function explain(thrown: unknown): string {
  if (thrown instanceof ApiError) {
    const { detail, remedy, issues, code, requestId } = thrown.problem;
    const parts = (issues ?? []).map(({ path: where, message }) => `  ${where}: ${message}`);
    return [`${detail} (${code}, request ${requestId})`, ...parts, ...(remedy === null ? [] : [remedy])].join(
      '\n',
    );
  }
  const error = toError(thrown);
  if (error instanceof TerminalError)
    return [error.message, ...(error.remedy === undefined ? [] : [error.remedy])].join('\n');
  return error.stack ?? error.message;
}
