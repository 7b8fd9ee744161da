/** The recommender service under load: a large made-up version, the real process, requests over HTTP from another process. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { startLocalCloud } from '#scripts/local/cloud';
import { bitsWhere } from '../../functions/recommender/bits.ts';
import { makeScanIndex, topByScores } from '../../functions/recommender/kernels/scan.ts';

import { gaussian, seededRandom } from '../../functions/recommender/random.ts';
import { openRecommender } from '../../functions/recommender/recommend.ts';
import { makeResult, writeReport, type Result } from './report/results.ts';
import { startBareServer } from './serve/bare-server.ts';
import type { Sent, Wanted } from './serve/sender.ts';
import { startService, type Service } from './serve/service.ts';
import { keepOff, spareCore } from './serve/cores.ts';
import { CATEGORIES, makeVersion } from './serve/version.ts';

const HELP = `npm run bench -- serve [--items 100000] [--factors 128] [--customers 20000] [--rate 300] [--seconds 20] [--report FILE]

Makes a version (iALS over made-up orders), starts Firestore, Cloud Storage and BigQuery of the local cloud and the recommender's
own bundle as one process, and asks it over HTTP with an API key: every request another customer, with filters, explained and
logged. The service has one processor for itself (taskset), everything else the others. An open loop from a process of its own; latencies count from the moment a request was due.
p50-ms, p99-ms: at --rate. max-rate: the highest rate of which 99 % is answered within 10 ms. scan-ms: one exact top 10 within
this process; its reference is the same list from a plain scan in TypeScript, and so is the reference of p50-ms. bare-…: the same requests to a server that does nothing but keep the processor busy for cpu-ms
each, the reference of p99-ms; empty-…: to one that answers at once. What these take is the machine's own.`;

const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '100000' },
    factors: { type: 'string', default: '128' },
    customers: { type: 'string', default: '20000' },
    rate: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '20' },
    report: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const [items, factors, customers, rate, seconds] = [
  values.items,
  values.factors,
  values.customers,
  values.rate,
  values.seconds,
].map(Number) as [number, number, number, number, number];

const say = (text: string) => console.log(text);

async function send(
  service: Pick<Service, 'url' | 'key'>,
  wanted: { rate: number; seconds: number },
): Promise<Sent> {
  const asked: Wanted = { url: service.url, key: service.key, customers, categories: CATEGORIES, ...wanted };
  const sender = join(import.meta.dirname, 'serve', 'sender.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    sender,
    JSON.stringify(asked),
  ]);
  return JSON.parse(stdout) as Sent; // what sender.ts writes
}

/** The same from a server that only keeps its processor busy for `milliseconds` a request: what the machine lets one see. */
async function sendToBare(milliseconds: number, core: number | null): Promise<Sent> {
  const server = await startBareServer(milliseconds, core);
  try {
    const asked = { url: server.url, key: 'none' };
    await send(asked, { rate: 100, seconds: 2 });
    return await send(asked, { rate, seconds });
  } finally {
    await server.stop();
  }
}

/** The highest rate at which 99 % is answered within 10 ms, to a tenth, from short runs; and what was seen on the way. */
async function highestRate(service: Service): Promise<number> {
  const holds = async (tried: number) => {
    const seen = await send(service, { rate: tried, seconds: 4 });
    say(`  ${tried}/s: p50 ${seen.p50.toFixed(2)} ms, p99 ${seen.p99.toFixed(2)} ms, ${seen.failed} failed`);
    return seen.failed === 0 && seen.p99 < 10;
  };
  let good = 0;
  let bad = 0;
  for (let tried = rate; bad === 0 && tried < 20_000; tried *= 2)
    if (await holds(tried)) good = tried;
    else bad = tried;
  while (bad - good > good / 10 + 10) {
    const tried = Math.round((good + bad) / 2);
    if (await holds(tried)) good = tried;
    else bad = tried;
  }
  return good;
}

/** Milliseconds of one exact top 10 of `items` × `factors`, by the scan and by plain TypeScript: medians, taking turns. */
function timeScan(): { ours: number; plain: number } {
  const random = seededRandom(3);
  const table = Float32Array.from({ length: items * factors }, () => gaussian(random));
  const index = makeScanIndex(table, factors);
  const allowed = bitsWhere(items, (item) => item % 20 !== 0);
  const times: { ours: number[]; plain: number[] } = { ours: [], plain: [] };
  for (let n = 0; n < 200; n++) {
    const query = Float32Array.from({ length: factors }, () => gaussian(random));
    const began = performance.now();
    index.top(query, 10, allowed);
    times.ours.push(performance.now() - began);
    if (n % 8 !== 0) continue;
    const again = performance.now();
    topByScores(table, query, 10, allowed);
    times.plain.push(performance.now() - again);
  }
  const median = (list: number[]) => list.sort((a, b) => a - b)[list.length >> 1] ?? 0;
  return { ours: median(times.ours), plain: median(times.plain) };
}

async function measure(): Promise<Result[]> {
  const stateDir = mkdtempSync(join(tmpdir(), 'tradewind-serve-'));
  say(`making a version of ${customers} customers and ${items} items × ${factors} factors …`);
  const artifact = await makeVersion({ customers, items, factors, lines: 30 }, availableParallelism());
  const opening = performance.now();
  openRecommender(artifact);
  const openSeconds = (performance.now() - opening) / 1000;
  const core = spareCore();
  if (core === null)
    say('no processor can be kept for the service: it shares them with the local cloud and the sender');
  else keepOff(core);
  const only = ['firestore', 'pubsub', 'storage', 'bigquery'] as const;
  const cloud = await startLocalCloud({ stateDir, only, functions: false });
  Object.assign(process.env, cloud.env);
  try {
    const service = await startService(artifact, cloud, stateDir, core);
    say(`ready after ${service.readySeconds.toFixed(2)} s, ${service.memory().now.toFixed(0)} MiB`);
    await send(service, { rate: 100, seconds: 5 });
    const before = service.cpuSeconds();
    const steady = await send(service, { rate, seconds });
    const cpu = service.cpuSeconds() - before;
    // Before it is asked for more than it can do: what waits in line is memory too.
    const { peak } = service.memory();
    const highest = await highestRate(service);
    await service.stop();
    const busy = (cpu * 1000) / steady.n;
    const bare = await sendToBare(busy, core);
    const idle = await sendToBare(0, core);
    const scan = timeScan();
    const row = (name: string, value: number, unit: string, n: number, reference: number | null = null) =>
      makeResult(name, unit, n, value, reference, Math.round(peak));
    return [
      row('p50-ms', steady.p50, 'ms', steady.n, scan.plain),
      row('p99-ms', steady.p99, 'ms', steady.n, bare.p99),
      row('bare-p50-ms', bare.p50, 'ms', bare.n),
      row('bare-p99-ms', bare.p99, 'ms', bare.n),
      row('empty-p99-ms', idle.p99, 'ms', idle.n),
      row('failed', steady.failed, 'requests', steady.n),
      row('cpu-ms', busy, 'ms per request', steady.n),
      row('max-rate', highest, 'requests/s', 1),
      row('ready-seconds', service.readySeconds, 's', 1),
      row('open-seconds', openSeconds, 's', 1),
      row('memory', peak, 'MiB', 1),
      row('artifact', artifact.byteLength / 2 ** 20, 'MiB', 1),
      row('scan-ms', scan.ours, 'ms', 200, scan.plain),
    ];
  } finally {
    await cloud.stop();
    rmSync(stateDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

if (values.help === true) say(HELP);
else {
  const results = await measure();
  for (const { name, value, unit, reference } of results) {
    const beside = reference === null ? '' : `   reference ${reference.toFixed(2)}`;
    say(`${name.padEnd(16)}${value.toFixed(3).padStart(10)} ${unit}${beside}`);
  }
  writeReport('serve', values.report, results);
}
