import { paths } from '#core/paths';

/** Which run: the payload of its events. */
export interface RunKey {
  readonly tenant: string;
  readonly model: string;
  readonly run: string;
}

/** Path of the run's document. */
export function runPath({ tenant, model, run }: RunKey): string {
  return paths.etlRun(tenant, model, run);
}

/** Path of one of its tables' documents. */
export function tablePath({ tenant, model, run }: RunKey, table: string): string {
  return paths.etlTable(tenant, model, run, table);
}
