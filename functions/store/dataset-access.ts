/** BigQuery for the sources of one tenant: as the account of a key, or as the installation's own, which reads for all. */
import { z } from 'zod';
import { openBigQueryApi } from '#cloud/bigquery-api';
import { GoogleRefusal } from '#cloud/google-account';
import type { ApiQuestion, BigQueryApi } from '#connectors/bigquery/api';
import { TerminalError } from '#core/errors';

/** The owner of a bucket or data set says by this label, with the tenant's id as its value, who may read it through the installation. */
export const TENANT_LABEL = 'tradewind-tenant';

/** What decides what the installation's own account looks at. */
export interface DatasetPolicy {
  readonly tenant: string;
  /** Where the installation and the tenant keep data sets of their own, which are nobody's source. */
  readonly kept: readonly { readonly projectId: string; readonly datasetPrefix: string }[];
  /** Where the warehouse is. */
  readonly location: string;
}

/** The only questions of the own account: a data set, its tables, a table, its rows as they lie there. No jobs. */
const LOOKED_AT = /^projects\/([^/]+)\/datasets\/([^/]+)(\/tables(\/[^/]+(\/data)?)?)?$/;

const Labelled = z.object({ labels: z.record(z.string(), z.string()).default({}) });

/**
 * BigQuery as the account of `keyFile`, or as the installation's own, which answers only for data sets that are labelled for
 * the tenant. @throws TerminalError `key-invalid`
 */
export function bigQueryFor(
  policy: DatasetPolicy,
  endpoint: string | undefined,
  keyFile: string | null,
): BigQueryApi {
  const caller = openBigQueryApi(endpoint, keyFile);
  const { email, projectId } = caller;
  const signIn = (signal: AbortSignal) => caller.signIn(signal);
  const call = (question: ApiQuestion) => caller.call(question);
  const warehouseLocation = policy.location;
  if (email !== null && projectId !== null)
    return { account: email, own: false, jobProject: projectId, warehouseLocation, signIn, ask: call };
  const checked = new Map<string, Promise<void>>();
  return {
    account: 'the installation’s service account',
    own: true,
    jobProject: '',
    warehouseLocation,
    signIn,
    async ask(question) {
      const [, project, dataset] = LOOKED_AT.exec(question.path) ?? [];
      if (question.method !== 'GET' || project === undefined || dataset === undefined)
        throw new RangeError(`${question.method} ${question.path} as the installation's own account`);
      const path = `projects/${project}/datasets/${dataset}`;
      const check =
        checked.get(path) ?? mustBeLabelled(policy, decode(project), decode(dataset), path, question, call);
      checked.set(path, check);
      await check.catch((error: unknown) => {
        checked.delete(path);
        throw error;
      });
      return call(question);
    },
  };
}

/** @throws TerminalError `dataset-forbidden` */
async function mustBeLabelled(
  { tenant, kept }: DatasetPolicy,
  project: string,
  dataset: string,
  path: string,
  { signal }: ApiQuestion,
  call: (question: ApiQuestion) => Promise<unknown>,
): Promise<void> {
  const name = `${project}.${dataset}`;
  if (kept.some(({ projectId, datasetPrefix }) => projectId === project && dataset.startsWith(datasetPrefix)))
    throw new TerminalError('dataset-forbidden', `The data set ${name} is one of Tradewind’s own.`, {
      remedy: 'Name a data set of your own.',
    });
  const remedy = `Set the label ${TENANT_LABEL}=${tenant} on the data set "${dataset}" and give the installation’s service accounts (tradewind-api, tradewind-events and tradewind-etl) the role BigQuery Data Viewer on it; or set the key of a service account for this source.`;
  let labels: Readonly<Record<string, string>>;
  try {
    ({ labels } = Labelled.parse(await call({ method: 'GET', path, signal })));
  } catch (cause) {
    if (!(cause instanceof GoogleRefusal)) throw cause;
    throw new TerminalError('dataset-forbidden', `The labels of the data set ${name} cannot be read.`, {
      remedy,
      cause,
    });
  }
  if (labels[TENANT_LABEL] !== tenant)
    throw new TerminalError('dataset-forbidden', `The data set ${name} is not labelled for this tenant.`, {
      remedy,
    });
}

const decode = (part: string): string => decodeURIComponent(part);
