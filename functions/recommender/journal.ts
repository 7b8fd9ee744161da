import { z } from 'zod';

/**
 * What a training has found out so far, step by step, in the order of its work. A training is a fixed sequence of steps
 * given its input and the clock; so who has the values of the first steps can go on from there as if nothing had
 * happened. What the clock decided (to leave a trial out) is a step too, and is replayed, not decided again.
 */
export const TrainingCheckpoint = z.object({
  format: z.literal(1),
  /** Of all that the training depends on: another input has nothing to do with these steps. */
  input: z.string(),
  steps: z.array(
    z.object({
      key: z.string(),
      value: z.unknown(),
      /** Seconds of work until the step was done, over all lives of the training. */
      elapsed: z.number().min(0),
    }),
  ),
});
export type TrainingCheckpoint = z.infer<typeof TrainingCheckpoint>;

/** Where a checkpoint is kept between lives. */
export interface CheckpointStore {
  /** What was saved last; null where nothing was, or nothing that can be read. */
  load(): Promise<unknown>;
  save(checkpoint: TrainingCheckpoint): Promise<void>;
}

export interface Journal {
  /**
   * The value of the step `key`: as an earlier life found it, else by `work`, then saved. `key` names the step and all
   * that varies it. A recorded value that `schema` refuses, or that belongs to another key, ends the replay: this step
   * and all after it are done again.
   */
  step<T>(key: string, schema: z.ZodType<T>, work: () => Promise<T> | T): Promise<T>;
  /** Seconds worked, over all lives. */
  elapsed(): number;
  /** Steps taken from earlier lives so far. */
  replayed(): number;
}

/** A journal over what `store` holds; without one nothing is kept. `clock`: seconds that pass. */
export async function openJournal(
  input: string,
  clock: () => number,
  store: CheckpointStore | null,
): Promise<Journal> {
  const loaded = TrainingCheckpoint.safeParse(await store?.load());
  const known = loaded.success && loaded.data.input === input ? loaded.data.steps : [];
  const steps: TrainingCheckpoint['steps'] = [];
  const began = clock();
  let before = 0;
  let replaying = true;
  let replayed = 0;
  const elapsed = () => before + Math.max(0, clock() - began);
  return {
    elapsed,
    replayed: () => replayed,
    step: async (key, schema, work) => {
      const next = replaying ? known[steps.length] : undefined;
      if (next?.key === key) {
        const value = schema.safeParse(next.value);
        if (value.success) {
          steps.push(next);
          replayed++;
          // The time of former lives counts: a cap on seconds is one over all of them.
          before = Math.max(before, next.elapsed);
          return value.data;
        }
      }
      replaying = false;
      // As it will be read back, so that a life that worked and one that replays go on from the very same value.
      const value: unknown = JSON.parse(JSON.stringify(await work()));
      steps.push({ key, value, elapsed: elapsed() });
      await store?.save({ format: 1, input, steps });
      return schema.parse(value);
    },
  };
}
