/**
 * Sends questions to a recommender at fixed moments, whether or not former ones were answered, from a process of its own: an
 * open loop. Each latency counts from the moment the question was due, so a server that stands still for a while is charged
 * with everybody who waited. Reads a `Wanted` from its arguments, writes a `Sent` to stdout.
 */
import { Agent, request } from 'node:http';
import { setPriority } from 'node:os';

export interface Wanted {
  readonly url: string;
  readonly key: string;
  readonly rate: number;
  readonly seconds: number;
  readonly customers: number;
  readonly categories: number;
}

export interface Sent {
  readonly n: number;
  /** Answers other than 200, or none. */
  readonly failed: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

/** How much later than asked for a timer may wake. */
const LATE_MILLISECONDS = 1.2;

/** The n-th question: another customer each time, filters as a shop has them. */
export function questionOf(n: number, customers: number, categories: number): object {
  const customer = `customer-${(n * 7919) % customers}`;
  return {
    customer,
    limit: 10,
    filter: [{ attribute: 'category', notIn: [`c${n % categories}`, `c${(n + 7) % categories}`] }],
    excludeItems: [`item-${n % 50}`, `item-${(n * 3) % 500}`],
  };
}

async function send(wanted: Wanted): Promise<Sent> {
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const { hostname, port } = new URL(wanted.url);
  const total = Math.round(wanted.rate * wanted.seconds);
  const took: number[] = [];
  let failed = 0;
  let open = 0;
  const began = performance.now() + 50;
  const ask = (n: number, due: number) => {
    open++;
    const body = JSON.stringify(questionOf(n, wanted.customers, wanted.categories));
    const headers = {
      'content-type': 'application/json',
      'x-api-key': wanted.key,
      'content-length': Buffer.byteLength(body),
    };
    const end = (well: boolean) => {
      open--;
      took.push(performance.now() - due);
      if (!well) failed++;
    };
    const sent = request({ hostname, port, path: '/v1/recommend', method: 'POST', agent, headers }, (got) => {
      got.resume().once('end', () => end(got.statusCode === 200));
    });
    sent.once('error', () => end(false));
    sent.end(body);
  };
  let next = 0;
  await new Promise<void>((resolve) => {
    const dueAt = (n: number) => began + (n * 1000) / wanted.rate;
    // Polls for the last part of a wait: a timer is a millisecond late, which is as long as an answer takes. It sleeps through
    // the rest, so that the machine has its processors for those who answer.
    const turn = () => {
      while (next < total && performance.now() >= dueAt(next)) ask(next, dueAt(next++));
      const wait = (next < total ? dueAt(next) : Infinity) - performance.now() - LATE_MILLISECONDS;
      if (next >= total && open === 0) resolve();
      else if (wait >= 1) setTimeout(turn, Math.min(Math.floor(wait), 50));
      else setImmediate(turn);
    };
    turn();
  });
  agent.destroy();
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0;
  return { n: total, failed, p50: at(0.5), p99: at(0.99), longest: at(1) };
}

/** Where it is allowed: before the local cloud on the same processor, or its waits would count as the service's. */
function goFirst(): void {
  try {
    setPriority(-10);
  } catch {
    // Only root may.
  }
}

if (import.meta.main) {
  goFirst();
  const wanted: Wanted = JSON.parse(process.argv[2] ?? '{}');
  console.log(JSON.stringify(await send(wanted)));
}
