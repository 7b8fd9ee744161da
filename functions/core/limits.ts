import { TerminalError } from './errors.ts';

/** Calls a minute, by a contract's `rate`; and how much of what a tenant may have. */
export interface Limits {
  /** Calls a minute that read, that write, and that cost money or reach out (runs, deployments, connection tests). */
  readonly read: number;
  readonly write: number;
  readonly trigger: number;
  readonly models: number;
  readonly sourcesPerModel: number;
  /** Members and open invitations together. */
  readonly members: number;
  /** API keys that are neither revoked nor expired. */
  readonly keys: number;
  /** ETL and pipeline runs of all models that began within the last 24 hours. */
  readonly runsPerDay: number;
}

/** Of a minute's calls so many may come at once, whatever the limit. */
const LEAST_BURST = 20;
/** Above that, so many seconds' worth. */
const BURST_SECONDS = 1.5;

/** Calls that may come at once where `limit` a minute may: the rest comes as they flow in. */
export function burstOf(limit: number): number {
  return Math.min(limit, Math.max(LEAST_BURST, Math.floor((limit * BURST_SECONDS) / 60)));
}

/** The buckets that calls are counted in. */
export type Bucket = 'read' | 'write' | 'trigger';
/** What there can be too many of. */
export type Quota = Exclude<keyof Limits, Bucket>;

/** Limits by plan. A tenant's own `limits` go before them. */
export const PLAN_LIMITS: Readonly<Record<'trial' | 'standard', Limits>> = {
  trial: {
    read: 1200,
    write: 600,
    trigger: 60,
    models: 20,
    sourcesPerModel: 50,
    members: 50,
    keys: 50,
    runsPerDay: 500,
  },
  standard: {
    read: 6000,
    write: 1200,
    trigger: 120,
    models: 200,
    sourcesPerModel: 200,
    members: 500,
    keys: 200,
    runsPerDay: 2000,
  },
};

/** Calls a minute of one person, where the path names no tenant (signing up, listing one's tenants, operating). */
export const PERSON_LIMITS: Readonly<Record<Bucket, number>> = { read: 600, write: 120, trigger: 30 };

/** Calls a minute of one person or key that are not let in. */
export const REFUSED_LIMIT = 6000;

/** A tenant as far as its limits go. */
export interface Limited {
  readonly plan: keyof typeof PLAN_LIMITS;
  /** What differs from the plan; other names are ignored. */
  readonly limits?: Readonly<Record<string, number>> | undefined;
}

/** The limits of a tenant: its plan's, and before them its own. */
export function limitsOf(tenant: Limited): Limits {
  const own = Object.entries(tenant.limits ?? {}).filter(([name]) => Object.hasOwn(PLAN_LIMITS.trial, name));
  // Only names of Limits are left, and all values are numbers.
  return { ...PLAN_LIMITS[tenant.plan], ...(Object.fromEntries(own) as Partial<Limits>) };
}

const WORDS: Readonly<Record<Quota, string>> = {
  models: 'models',
  sourcesPerModel: 'sources in this model',
  members: 'members and open invitations',
  keys: 'API keys',
  runsPerDay: 'runs within a day',
};

/**
 * Says no where one more would be too many. `used`: how many there are, counted before; two at the same moment may both
 * pass, so a quota can be exceeded by a few. What has to be exact is guarded by the documents themselves.
 * @throws TerminalError `quota-exceeded`
 */
export function checkQuota(tenant: Limited, quota: Quota, used: number): void {
  const limit = limitsOf(tenant)[quota];
  if (used < limit) return;
  throw new TerminalError(
    'quota-exceeded',
    `The tenant has ${used} ${WORDS[quota]}; its plan allows ${limit}.`,
    {
      remedy: 'Remove what is no longer needed, or ask the operator for more.',
      details: { quota, limit, used },
    },
  );
}
