/** What a run that is over may have left behind: every place it works in, looked into. */
import { BigQuery } from '@google-cloud/bigquery';
import { PassThroughClient } from 'google-auth-library';
import { openDatabase } from '#cloud/firestore';
import { openFiles } from '#cloud/storage';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { mustRead } from '#store/document';
import { leaseExpiry } from '#store/lease';
import type { Account } from './account.ts';
import { useLocalCloud } from './local-cloud.ts';
import { containersOf } from './runner-processes.ts';

/** What is left of a run, by kind. */
interface Leftovers {
  readonly containers: number;
  readonly staging: readonly string[];
  readonly files: number;
  readonly units: number;
  readonly watched: boolean;
  readonly held: readonly string[];
  readonly leased: boolean;
}

/** Nothing of any kind. */
export const NOTHING_LEFT: Leftovers = {
  containers: 0,
  staging: [],
  files: 0,
  units: 0,
  watched: false,
  held: [],
  leased: false,
};

/** What is left of `run`: containers, staging tables and files, units, the watch entry, locks, the lease. */
export async function leftoversOf({ params, raw }: Account, run: string): Promise<Leftovers> {
  const { env, projectId } = useLocalCloud();
  const { tenant, model } = params;
  const db = openDatabase(projectId);
  try {
    const path = paths.etlRun(tenant, model, run);
    const { cloud } = (await mustRead({ db }, paths.tenant(tenant), Tenant, 'tenant')).value;
    const client = new BigQuery({
      projectId,
      apiEndpoint: env['BIGQUERY_ENDPOINT'] ?? '',
      authClient: new PassThroughClient(),
    });
    const [tables] = await client.dataset(raw).getTables();
    const names = tables.map(({ id }) => id ?? '').filter((id) => id.startsWith(`_stg_${run}`));
    const held = await db.getAll([paths.lock(tenant, model, 'etl'), paths.waiting(tenant, model, 'etl')]);
    return {
      containers: containersOf(run).length,
      staging: names,
      files: (await openFiles(cloud.projectId).list(`gs://${cloud.bucket}/${tenant}/${model}/stage/${run}/`))
        .length,
      units: (await db.list(paths.etlUnits(tenant, model, run))).length,
      watched: (await db.get(paths.watched(path))) !== null,
      held: held.flatMap((one) => (one?.data['run'] === run ? [one.path] : [])),
      leased: (await leaseExpiry({ db }, paths.lease(path))) > Date.now(),
    };
  } finally {
    await db.close();
  }
}
