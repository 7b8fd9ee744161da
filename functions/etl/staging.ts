import type { TableRef } from '#cloud/bigquery';
import type { Place } from './place.ts';

/** Where a table's rows wait for their publication. */
export function stagingOf({ dataset, key }: Pick<Place, 'dataset' | 'key'>, table: string): TableRef {
  return { dataset, table: `_stg_${key.run}_${table}` };
}

/** Where its rejects do. */
export function rejectsStagingOf({ dataset, key }: Pick<Place, 'dataset' | 'key'>, table: string): TableRef {
  return { dataset, table: `_stg_${key.run}_${table}_rejects` };
}

/** Where a source table lies that the warehouse has copied itself, until its rows are read into staging. */
export function copyOf({ dataset, key }: Pick<Place, 'dataset' | 'key'>, table: string): TableRef {
  return { dataset, table: `_stg_${key.run}_${table}_copy` };
}

/** Where the keys of all its rows do. */
export function keysStagingOf({ dataset, key }: Pick<Place, 'dataset' | 'key'>, table: string): TableRef {
  return { dataset, table: `_stg_${key.run}_${table}_keys` };
}

/** Every staging table that a run may have made for a table. */
export function stagingTables(place: Pick<Place, 'dataset' | 'key'>, table: string): TableRef[] {
  return [stagingOf, keysStagingOf, rejectsStagingOf, copyOf].map((of) => of(place, table));
}

/** What a run does of a table in the warehouse, in order: each step is a job, tried again under the next number. */
export const JOB_STEPS = [
  'hide-rejects',
  'copy',
  'load-rejects',
  'publish-rejects',
  'load',
  'load-written',
  'load-keys',
  'publish-unfit',
  'publish',
] as const;
export type JobStep = (typeof JOB_STEPS)[number];

/** The name of the job that publishes all tables of a run together; its ids are made likewise. */
export function togetherJobName({ key }: Pick<Place, 'key'>): string {
  return `tw-${key.run}-publish`;
}

/** The name of a step's job; its id is the name, a dash and the number of the attempt. */
export function jobName({ key }: Pick<Place, 'key'>, table: string, step: JobStep): string {
  return `tw-${key.run}-${table}-${step}`;
}
