import { z } from 'zod';
import { Id } from './ids.ts';
import { TenantKeyText } from './tenant-key-ring.ts';

/*
 * What a container is told at its start, beside the installation's own variables. Writer and reader share the schema;
 * each reads it with `Schema.parse(env)`, which ignores every other variable. No container is ever told the installation's
 * key: it opens every tenant's secrets. The one that must open its own tenant's is told that tenant's key.
 */

/** The ETL runner's variables: which run it is, and its tenant's data keys (see store/tenant-keys.ts). */
export const RunnerEnv = z.object({
  TRADEWIND_TENANT: Id,
  TRADEWIND_MODEL: Id,
  TRADEWIND_RUN: Id,
  TRADEWIND_TENANT_KEYS: TenantKeyText,
  /** The request that its log lines go back to. */
  TRADEWIND_REQUEST_ID: z.string().optional(),
});
export type RunnerEnv = z.infer<typeof RunnerEnv>;

/** The trainer's variables: which attempt of which run it is. Everything else lies in the attempt's `request.json`. */
export const TrainerEnv = z.object({
  TRADEWIND_TENANT: Id,
  TRADEWIND_MODEL: Id,
  TRADEWIND_RUN: Id,
  TRADEWIND_ATTEMPT: z.coerce.number().int().min(1),
});
export type TrainerEnv = z.infer<typeof TrainerEnv>;

/** The recommender service's variables: what it serves, and the key by which it knows its verifier. */
export const RecommenderEnv = z.object({
  TRADEWIND_TENANT: Id,
  TRADEWIND_MODEL: Id,
  TRADEWIND_VERSION: Id,
  TRADEWIND_DEPLOYMENT: Id,
  /** `gs://` address of the artifact, and its SHA-256 in hex. */
  TRADEWIND_ARTIFACT: z.string().startsWith('gs://'),
  TRADEWIND_ARTIFACT_SHA256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The tenant's own project and location: its warehouse may be another than the installation's. */
  TRADEWIND_DATA_PROJECT: z.string().min(1),
  TRADEWIND_DATA_LOCATION: z.string().min(1),
  /** The BigQuery dataset of the prediction log. */
  TRADEWIND_LOGS_DATASET: z.string().min(1),
  /** 32 bytes in base64, different for each deployment: see api/verify.ts. */
  TRADEWIND_VERIFY_KEY: z.base64().length(44),
});
export type RecommenderEnv = z.infer<typeof RecommenderEnv>;

/** The same values as the strings a container's environment is made of. */
export function toEnvironment(values: RunnerEnv | TrainerEnv | RecommenderEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}
