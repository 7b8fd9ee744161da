/** Where lines go: standard output, or a test's list. */
export interface Terminal {
  write(text: string): unknown;
  /** True for a person's screen: lines may be redrawn. */
  readonly isTTY: boolean;
  readonly columns: number;
}

/** One finished step. */
export interface StepTime {
  readonly name: string;
  readonly seconds: number;
}

/** Runs steps one after another, shows each on its line, and keeps how long each took. */
export interface Progress {
  /** Steps finished so far, in order; a failed one counts. */
  readonly steps: readonly StepTime[];
  /**
   * Runs `work` as the step `name` (for the report), shown as `title`. `say` shows what is going on; what it said last
   * stays on the line.
   */
  step<T>(name: string, title: string, work: (say: (detail: string) => void) => Promise<T>): Promise<T>;
  /** A line between the steps. */
  note(text: string): void;
}

const FRAMES = ['-', '\\', '|', '/'] as const;

/**
 * Progress on `terminal`. On a screen the running step is redrawn in place with its time; elsewhere each step is one
 * plain line when it ends.
 *
 * @param now milliseconds, for example `performance.now`
 */
export function makeProgress(terminal: Terminal, now: () => number): Progress {
  const steps: StepTime[] = [];
  const line = (mark: string, title: string, detail: string, seconds: number): string => {
    const text = `${mark} ${title.padEnd(26)} ${detail}`;
    const room = terminal.isTTY ? Math.max(20, terminal.columns - 10) : 200;
    return `${text.length > room ? `${text.slice(0, room - 1)}…` : text.padEnd(Math.min(room, 80))} ${seconds.toFixed(1).padStart(6)} s`;
  };
  return {
    steps,
    note: (text) => terminal.write(`  ${text}\n`),
    step: async (name, title, work) => {
      const begin = now();
      let detail = '';
      let frame = 0;
      const seconds = (): number => (now() - begin) / 1000;
      const draw = (): void => {
        if (terminal.isTTY)
          terminal.write(
            `\r\u001b[K${line(FRAMES[(frame += 1) % FRAMES.length] ?? '-', title, detail, seconds())}`,
          );
      };
      const timer = terminal.isTTY ? setInterval(draw, 120) : undefined;
      const end = (mark: string): void => {
        clearInterval(timer);
        const taken = seconds();
        steps.push({ name, seconds: Math.round(taken * 1000) / 1000 });
        terminal.write(`${terminal.isTTY ? '\r\u001b[K' : ''}${line(mark, title, detail, taken)}\n`);
      };
      draw();
      try {
        const result = await work((text) => {
          detail = text;
          draw();
        });
        end('✓');
        return result;
      } catch (error) {
        end('✗');
        throw error;
      }
    },
  };
}
