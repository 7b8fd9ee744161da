import type { Failure } from '#core/errors';
import { pipelineCost, PRICES_AS_OF } from '#core/prices';
import type { RunCaps } from '#core/run-caps';
import type { TrainingConfig } from '#core/training-config';
import type { Amounts } from '#core/usage';
import { trainerSeconds, TRAINER_SIZE } from './trainer-size.ts';

/** What a run uses at most, as far as that can be known: an estimate, by the prices of core/prices.ts. */
export interface Estimate {
  /** Bytes that the extraction reads in BigQuery: exact, by a dry run. */
  readonly extractionBytes: number;
  /** Bytes read in all: the run's own lines are read again to count, to number and to join. */
  readonly bytesScanned: number;
  /** Seconds of one training that takes as long as it is allowed to. */
  readonly trainingSeconds: number;
  /** US dollars. */
  readonly cost: number;
}

/** The lines are read once, and what they became once to count and three times for the snapshot. */
const READS = 5;

/** The estimate of a whole run whose extraction reads `bytes`. */
export function estimateRun(bytes: number, training: Pick<TrainingConfig, 'seconds'>): Estimate {
  const used = { bytesScanned: bytes * READS, trainingSeconds: trainerSeconds(training) };
  return { extractionBytes: bytes, ...used, cost: pipelineCost(used, TRAINER_SIZE.machineType) };
}

/** The estimate of a run that has used `spent` and is about to train, once more perhaps. */
export function estimateTraining(
  spent: Pick<Amounts, 'bytesScanned' | 'trainingSeconds'>,
  training: Pick<TrainingConfig, 'seconds'>,
): Estimate {
  const used = {
    bytesScanned: spent.bytesScanned,
    trainingSeconds: spent.trainingSeconds + trainerSeconds(training),
  };
  return { extractionBytes: 0, ...used, cost: pipelineCost(used, TRAINER_SIZE.machineType) };
}

/** The failure of a run that may not spend so much; null where it may. */
export function overCaps(estimate: Estimate, caps: RunCaps): Failure | null {
  if (caps.maxBytes !== null && estimate.extractionBytes > caps.maxBytes)
    return {
      code: 'cap-reached',
      message: `The extraction would read ${estimate.extractionBytes} bytes in BigQuery; the cap "maxBytes" is ${caps.maxBytes}.`,
      remedy: 'Raise the cap, or take a shorter history or fewer tables.',
    };
  if (caps.maxCost !== null && estimate.cost > caps.maxCost)
    return {
      code: 'cap-reached',
      message: `The run may cost ${dollars(estimate.cost)} US dollars (${Math.round(estimate.trainingSeconds)} s of training at most, ${estimate.bytesScanned} bytes read; ${PRICES_AS_OF}); the cap "maxCost" is ${dollars(caps.maxCost)}.`,
      remedy: 'Raise the cap, or let training search for less long (training.seconds).',
    };
  return null;
}

/** Two places, more where the figure is small. */
function dollars(value: number): string {
  return value >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
}
