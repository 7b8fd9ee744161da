import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of the containers that work on a run, by their environment (Linux: /proc). */
export function containersOf(run: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && environmentOf(pid).includes(`TRADEWIND_RUN=${run}`));
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    // It has ended, or is not ours to look at.
    return [];
  }
}
