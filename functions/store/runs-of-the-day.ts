import { toMoment } from '#core/ids';
import { paths } from '#core/paths';
import type { Store } from './store.ts';

const DAY_MILLISECONDS = 86_400_000;

/** ETL and pipeline runs of a tenant, over all its models, that were begun within the last 24 hours. */
export async function runsOfTheDay(
  { db, clock }: Pick<Store, 'db' | 'clock'>,
  tenant: string,
): Promise<number> {
  const since = toMoment(clock() - DAY_MILLISECONDS);
  const models = await db.list(paths.models(tenant));
  const counts = await Promise.all(
    models
      .flatMap(({ id }) => [paths.etlRuns(tenant, id), paths.pipelineRuns(tenant, id)])
      .map((runs) => db.count(runs, { where: [['createdAt', '>=', since]] })),
  );
  return counts.reduce((sum, one) => sum + one, 0);
}
