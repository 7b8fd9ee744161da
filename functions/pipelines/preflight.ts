import { openWarehouse, type Warehouse } from '#cloud/bigquery';
import { openFiles } from '#cloud/storage';
import { openTrainingPlatform } from '#cloud/vertex';
import type { Preflight } from '#core/api/pipelines';
import { Deployment } from '#core/deployment';
import { TerminalError, toFailure } from '#core/errors';
import { paths } from '#core/paths';
import type { PipelineConfigDefinition } from '#core/pipeline-config';
import type { PreflightCheck } from '#core/preflight';
import { PRICES_AS_OF } from '#core/prices';
import type { Tenant } from '#core/tenant';
import { Version } from '#core/version';
import type { Platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import { mustBeActive } from '#store/model-access';
import { readLinesSql } from '#store/raw-tables';
import { now } from '#store/store';
import { type Estimate, estimateRun, overCaps } from './estimate.ts';
import { type Evidence, evidenceSql, judgeEvidence, toEvidence } from './evidence.ts';
import { readInputs, requireQuota } from './start.ts';

export interface PreflightRequest {
  readonly tenant: Tenant;
  readonly model: string;
  readonly config: string;
  readonly dataset: string;
}

/** Counting customers and items reads what the extraction would read; beyond this it is left to the run. */
const COUNTED_BYTES = 2 ** 30;

/**
 * What a run would meet, each thing looked at by itself and none of it started. What depends on something that failed is
 * left out; trouble that may pass is a check that did not pass, too.
 */
export async function preflight(
  here: Pick<Platform, 'store' | 'config'>,
  request: PreflightRequest,
): Promise<Preflight> {
  const { store, config } = here;
  const { tenant, model } = request;
  const warehouse = openWarehouse({ ...tenant.cloud, endpoints: config.endpoints });
  const checks: PreflightCheck[] = [];
  const check = async <T>(
    name: string,
    where: string | null,
    look: () => Promise<Looked<T>>,
  ): Promise<T | null> => {
    const seen = await attempt(look);
    checks.push({ check: name, ok: seen.ok, message: seen.message, remedy: seen.remedy ?? null, where });
    return seen.value;
  };

  await check('model-active', null, async () => {
    const { name } = await mustBeActive(store, tenant.id, model);
    return well(`The model "${name}" takes runs.`, null);
  });
  await check('model-free', null, async () => {
    const active = await store.db.get(paths.lock(tenant.id, model, 'pipeline'));
    if (active === null) return well('No other run of the model is active.', null);
    return ill(
      `The run ${String(active.data['run'])} is active.`,
      'Wait for its end, cancel it, or queue behind it.',
    );
  });
  await check('quota', null, async () => {
    await requireQuota(store, tenant);
    return well('The tenant may have another run today.', null);
  });
  const inputs = await check('configuration', null, async () => {
    const found = await readInputs(store, tenant.id, model, request);
    return well(
      `The configuration "${found.settings.name}" and the data set "${found.definition.name}" are there.`,
      found,
    );
  });
  const sql =
    inputs === null
      ? null
      : await check('tables', inputs.definition.name, async () => {
          const options = { asOf: now(store), historyDays: inputs.settings.extraction.historyDays };
          const found = await readLinesSql(warehouse, tenant, model, inputs.definition, options);
          return well('The tables are loaded and have the columns.', found);
        });
  const estimate =
    inputs === null || sql === null ? null : await priced(check, warehouse, sql, inputs.settings);
  if (inputs !== null && sql !== null && estimate !== null)
    await check('evidence', inputs.definition.name, () => counted(warehouse, sql, estimate, inputs.settings));
  await check('trainer', null, async () => {
    const platform = openTrainingPlatform({ ...tenant.cloud, endpoints: config.endpoints });
    await platform.find('tw-preflight');
    return well('Vertex AI answers in the tenant’s project.', null);
  });
  await check('live-version', null, () => liveVersion(here, tenant, model));
  return {
    ok: checks.every(({ ok }) => ok),
    checks,
    estimate:
      estimate === null
        ? null
        : {
            bytesScanned: estimate.bytesScanned,
            trainingSeconds: estimate.trainingSeconds,
            cost: estimate.cost,
            prices: PRICES_AS_OF,
          },
  };
}

interface Looked<T> {
  readonly ok: boolean;
  readonly message: string;
  readonly remedy?: string | null;
  readonly value: T | null;
}
type Check = <T>(name: string, where: string | null, look: () => Promise<Looked<T>>) => Promise<T | null>;

const well = <T>(message: string, value: T): Looked<T> => ({ ok: true, message, value });
const ill = (message: string, remedy: string | null): Looked<never> => ({
  ok: false,
  message,
  remedy,
  value: null,
});

async function attempt<T>(look: () => Promise<Looked<T>>): Promise<Looked<T>> {
  try {
    return await look();
  } catch (thrown) {
    const { message, remedy } = toFailure(thrown);
    return ill(message, remedy);
  }
}

async function priced(
  check: Check,
  warehouse: Warehouse,
  sql: string,
  { training, caps }: PipelineConfigDefinition,
): Promise<Estimate | null> {
  let estimate: Estimate | null = null;
  await check('caps', null, async () => {
    estimate = estimateRun(await warehouse.dryRun(sql), training);
    const refused = overCaps(estimate, caps);
    return refused === null
      ? well(
          `The extraction reads ${estimate.extractionBytes} bytes; the run costs at most about ${estimate.cost.toFixed(2)} US dollars.`,
          null,
        )
      : ill(refused.message, refused.remedy);
  });
  return estimate;
}

async function counted(
  warehouse: Warehouse,
  sql: string,
  { extractionBytes }: Estimate,
  { training }: PipelineConfigDefinition,
): Promise<Looked<Evidence>> {
  if (extractionBytes > COUNTED_BYTES)
    return {
      ok: true,
      message: `Not counted: it would read ${extractionBytes} bytes. The run counts them first of all.`,
      value: null,
    };
  const [row] = await warehouse.query(evidenceSql(sql));
  const evidence = toEvidence(row ?? {});
  const lacking = judgeEvidence(evidence, training.holdout);
  if (lacking !== null) return ill(lacking.message, lacking.remedy);
  const { lines, customers, items, days } = evidence;
  return well(`${lines} lines of ${customers} customers and ${items} items on ${days} days.`, evidence);
}

/** The version that answers now, which a new one is measured against: it has to be there to be read. */
async function liveVersion(
  { store }: Pick<Platform, 'store'>,
  tenant: Tenant,
  model: string,
): Promise<Looked<null>> {
  const { liveDeployment } = await mustBeActive(store, tenant.id, model);
  if (liveDeployment === null) return well('Nothing is live yet: there is nothing to lose to.', null);
  const deployment = await mustRead(
    store,
    paths.deployment(tenant.id, model, liveDeployment),
    Deployment,
    'deployment',
  );
  const version = await mustRead(
    store,
    paths.version(tenant.id, model, deployment.value.version),
    Version,
    'version',
  );
  const { artifact, number } = version.value;
  if ((await openFiles(tenant.cloud.projectId).stat(artifact)) === null)
    throw new TerminalError(
      'outputs-gone',
      `The artifact of the live version ${number}, ${artifact}, is gone.`,
      {
        remedy: 'Train and deploy a new version; a restart of the service would fail.',
      },
    );
  return well(`Version ${number} is live, and can be compared with.`, null);
}
