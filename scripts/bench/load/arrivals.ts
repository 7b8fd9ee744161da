/** What one request came to. */
export interface Timed {
  readonly endpoint: string;
  readonly tenant: string;
  readonly status: number;
  readonly milliseconds: number;
}

/** Figures of many requests; latencies in milliseconds. */
export interface Summary {
  readonly n: number;
  readonly failed: number;
  /** Refused by a rate limit: the answer the burst is meant to get. */
  readonly limited: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/**
 * Sends requests at fixed moments, `rate` a second for `seconds`, whether or not former ones have been answered (an open
 * loop: a server that slows down is not given time to recover). @returns once all are answered
 */
export async function openLoop(
  rate: number,
  seconds: number,
  send: (index: number) => Promise<Timed>,
): Promise<Timed[]> {
  const began = performance.now();
  const total = Math.round(rate * seconds);
  const pending: Promise<Timed>[] = [];
  for (let index = 0; index < total; index++) {
    const wait = began + (index * 1000) / rate - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    pending.push(send(index));
  }
  return Promise.all(pending);
}

/** Sums up: a failure is a status of 500 and above, or no answer (0). */
export function summarise(all: readonly Timed[]): Summary {
  const sorted = all.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) * 10) / 10;
  return {
    n: all.length,
    failed: all.filter(({ status }) => status === 0 || status >= 500).length,
    limited: all.filter(({ status }) => status === 429).length,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
  };
}
