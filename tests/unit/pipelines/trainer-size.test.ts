import { TrainingConfig } from '#core/training-config';
import { deploy } from '../../../functions/pipelines/trainer.job.ts';
import {
  LONGEST_TRAINER_SECONDS,
  trainerSeconds,
  TRAINER_SIZE,
} from '../../../functions/pipelines/trainer-size.ts';

test('the trainer states the size of the machine that it is given', () => {
  expect(deploy).toMatchObject({ cpu: TRAINER_SIZE.cpu, memory: TRAINER_SIZE.memory });
  expect(TRAINER_SIZE.machineType).toMatch(new RegExp(`-${deploy.cpu}$`));
});

test('no configuration trains for longer than the trainer may take', () => {
  expect(deploy.timeoutSeconds).toBe(LONGEST_TRAINER_SECONDS);
  const seconds = LONGEST_TRAINER_SECONDS - trainerSeconds({ seconds: 0 });
  expect(TrainingConfig.safeParse({ seconds }).success).toBe(true);
  expect(TrainingConfig.safeParse({ seconds: seconds + 1 }).success).toBe(false);
});
