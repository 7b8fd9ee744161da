/* What must hold in every world, whatever goes wrong. Checked at each commit, or at the end when all is quiet. */
import { deploymentCycle } from '#core/deployment';
import { etlCycle } from '#core/etl-run';
import { pipelineCycle, STAGES, stageCycle } from '#core/pipeline-run';
import type { DocumentChange } from './cloud/database.ts';
import type { Service } from './cloud/services.ts';
import type { Kernel } from './kernel.ts';
import type { Process } from './processes.ts';

/** Every invariant by name; a violation names one of them. */
export const INVARIANTS = {
  'one-end':
    'Every run and deployment comes to an end, and none is left half-way when nothing moves any more.',
  arrows: 'A status changes only along an arrow of its life cycle: what is over never changes again.',
  'one-active': 'At no commit has a model more than one active run of a kind, those that wait in line apart.',
  'stage-order': 'A stage begins only when every one before it is done.',
  attempts: 'What is tried again is tried a bounded number of times.',
  fences:
    'A lease’s fence grows with every holder; a holder that was succeeded writes nothing under its lease.',
  tenants: 'Work for one tenant writes no document of another.',
  'locks-free': 'When all is quiet no lock is held.',
  'nothing-watched': 'When all is quiet the watchdog has nothing to look after.',
  'outbox-empty': 'When all is quiet the outbox is empty: everything announced was published.',
  'ends-told': 'The end of every run and deployment was published, whatever became of who ended it.',
  'triggers-kept': 'Every trigger that was answered has its run.',
  'one-run-per-key': 'A request repeated under its Idempotency-Key makes one run at most.',
  'executions-end': 'No container runs when its run is over and all is quiet.',
  'one-container':
    'Each attempt that a run counts starts one container, but where the platform’s answer was lost.',
  'one-live': 'A model has at most one live deployment, and its record names it.',
  traffic:
    'A service’s traffic always sums to 100 and goes to revisions that exist; in the end all of it to the live one.',
  served: 'Once a deployment is live, whatever has traffic is ready to answer.',
  'published-tables': 'A table says succeeded if and only if it was published, and it was published once.',
  audited: 'Every run has exactly one audit entry of its start.',
  batches: 'What is written Firestore would take.',
  quiet: 'Some time after faults have ceased nothing moves any more.',
} as const;
export type Invariant = keyof typeof INVARIANTS;

/** A run or deployment by its path. */
export const RUN = /^tenants\/([^/]+)\/models\/([^/]+)\/(etlRuns|pipelineRuns|deployments)\/[^/]+$/;
const CYCLES: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string | null>>>>>> = {
  etlRuns: etlCycle,
  pipelineRuns: pipelineCycle,
  deployments: deploymentCycle,
};
/** A deployment that is live is at rest; so is a run that waits in line. */
export function isActive(kind: string, data: Data): boolean {
  if (data['waiting'] === true || typeof data['waitsFor'] === 'string') return false;
  return !isOver(kind, data) && data['status'] !== 'live';
}
export function isOver(kind: string, data: Data): boolean {
  return Object.values(CYCLES[kind]?.[String(data['status'])] ?? {}).every((next) => next === null);
}

/** Times a stage is tried, and containers that a load is known to have been given. */
const MOST_ATTEMPTS = 3;
/** Times a container is asked for, for one load: who asks may die before it can tell what it was given. */
const MOST_STARTS = 6;

type Data = Readonly<Record<string, unknown>>;
type Violated = (invariant: Invariant, detail: string) => void;

/** Checks what each commit and each change of a service must keep. */
export function makeWatcher(kernel: Kernel, look: (path: string) => Data | null) {
  const violated: Violated = kernel.violated;
  const active = new Map<string, Set<string>>();
  const live = new Map<string, Set<string>>();
  const fences = new Map<string, { readonly fence: number; readonly holder: unknown }>();

  const runChanged = (path: string, before: Data | null, after: Data | null) => {
    const [, tenant, model, kind = ''] = RUN.exec(path) ?? [];
    if (kind === '' || after === null) return;
    const [from, to] = [String(before?.['status']), String(after['status'])];
    if (before !== null && from !== to && !leads(CYCLES[kind], from, to))
      violated('arrows', `${path}: ${from} → ${to}`);
    const group = `${tenant}/${model}/${kind}`;
    const members = active.get(group) ?? new Set();
    active.set(group, members);
    if (isActive(kind, after)) members.add(path);
    else members.delete(path);
    if (kind === 'etlRuns') {
      const [starts, containers] = [Number(after['attempts']), Number(after['executions'])];
      if (!(starts <= MOST_STARTS && containers <= MOST_ATTEMPTS))
        violated('attempts', `${path}: ${containers} containers, asked for ${starts} times`);
    }
    if (kind === 'pipelineRuns') stagesChanged(path, before, after);
    if (kind === 'deployments') {
      const alive = live.get(group) ?? new Set();
      live.set(group, alive);
      if (to === 'live') alive.add(path);
      else alive.delete(path);
    }
  };
  const stagesChanged = (path: string, before: Data | null, after: Data) => {
    const [former, stages] = [Object(before?.['stages']), Object(after['stages'])];
    STAGES.forEach((name, place) => {
      const [from, to] = [former[name]?.status, stages[name].status];
      if (before !== null && from !== to && !leads(stageCycle, from, to))
        violated('arrows', `${path} ${name}: ${from} → ${to}`);
      if (stages[name].attempts > MOST_ATTEMPTS) violated('attempts', `${path} ${name}`);
      const begun = to === 'running' || to === 'succeeded';
      const undone = STAGES.slice(0, place).find(
        (earlier) => !['succeeded', 'skipped', 'reused'].includes(stages[earlier].status),
      );
      if (begun && undone !== undefined) violated('stage-order', `${path}: ${name} before ${undone}`);
    });
  };
  /** Under a lease's path: a new holder has a higher fence; a renewal or release is the last holder's own. */
  const leaseChanged = (process: Process, { path, before, after }: DocumentChange) => {
    if (!path.endsWith('/lease/work') || after === null) return;
    const [fence, holder] = [Number(after['fence']), after['holder']];
    const former = fences.get(path) ?? { fence: 0, holder: null };
    const taken = holder !== '' && (former.holder !== holder || former.fence !== fence);
    if (taken) {
      if (fence <= former.fence) violated('fences', `${path}: ${former.fence} then ${fence}`);
      fences.set(path, { fence, holder });
      process.fences.set(path, fence);
    } else if ((process.fences.get(path) ?? 0) < fence || Number(before?.['fence']) > fence)
      violated('fences', `${path}: ${process.name}#${process.id} writes under fence ${fence} of another`);
  };

  return {
    committed(process: Process, changes: readonly DocumentChange[]): void {
      const touched = new Set<string>();
      for (const change of changes) {
        const { path, before, after } = change;
        const [, tenant, model, kind] = RUN.exec(path) ?? [];
        if (kind !== undefined) touched.add(`${tenant}/${model}/${kind}`);
        const owner = /^tenants\/([^/]+)/.exec(path)?.[1];
        if (owner !== undefined && process.tenant !== null && owner !== process.tenant)
          violated('tenants', `${process.name} for ${process.tenant} writes ${path}`);
        runChanged(path, before, after);
        leaseChanged(process, change);
      }
      for (const group of touched) {
        const members = active.get(group) ?? new Set();
        if (members.size > 1) violated('one-active', `${group}: ${[...members].join(', ')}`);
        if (!group.endsWith('/deployments')) continue;
        const alive = live.get(group) ?? new Set();
        if (alive.size > 1) violated('one-live', `${group}: ${[...alive].join(', ')}`);
        const [tenant, model] = group.split('/');
        const [path] = alive;
        const named = look(`tenants/${tenant}/models/${model}`)?.['liveDeployment'] ?? null;
        if (named !== (path?.split('/').at(-1) ?? null))
          violated('one-live', `${group}: the record names ${JSON.stringify(named)}, live is ${path}`);
      }
    },
    serviceChanged(service: Service): void {
      const sum = service.traffic.reduce((total, { percent }) => total + (percent ?? 0), 0);
      if (sum !== 100) violated('traffic', `${service.name} has ${sum} percent`);
      for (const { revision = '' } of service.traffic)
        if (!service.revisions.has(revision)) violated('traffic', `${service.name} names no ${revision}`);
      const [first] = service.revisions.values();
      const { TRADEWIND_TENANT: tenant, TRADEWIND_MODEL: model } = first?.env ?? {};
      if (typeof look(`tenants/${tenant}/models/${model}`)?.['liveDeployment'] !== 'string') return;
      for (const { revision = '', percent = 0 } of service.traffic) {
        const { readyAt = Infinity, broken } = service.revisions.get(revision) ?? {};
        if (percent > 0 && (readyAt > kernel.scheduler.now() || broken === true))
          violated('served', `${service.name} sends ${percent} percent to ${revision}, which is not ready`);
      }
    },
  };
}

/** Whether arrows lead from one state to the other: more than one where a batch makes several steps at once. */
function leads(cycle: (typeof CYCLES)[string] | undefined, from: string, to: string): boolean {
  return Object.values(cycle?.[from] ?? {}).some(
    (next) => next !== null && (next === to || (next !== from && leads(cycle, next, to))),
  );
}
