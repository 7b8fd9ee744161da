/* What must hold when all is quiet: the invariants of a world's end. */
import type { Execution } from './cloud/jobs.ts';
import type { Service } from './cloud/services.ts';
import { type Invariant, isActive, isOver, RUN } from './invariants.ts';
import type { Accepted } from './people.ts';

type Data = Readonly<Record<string, unknown>>;

/** All that is left of a world when nothing moves any more. */
export interface Remains {
  readonly documents: ReadonlyMap<string, Data>;
  readonly executions: readonly Execution[];
  readonly services: ReadonlyMap<string, Service>;
  readonly accepted: readonly Accepted[];
  /** How often each `run/table` was published. */
  readonly published: ReadonlyMap<string, number>;
  /** Every message that was published: topic and payload. */
  readonly messages: ReadonlySet<string>;
  /** Runs whose call for a container was answered with an error, or by nobody. */
  readonly unanswered: ReadonlyMap<string, number>;
}

/** What people do that makes a run. */
const STARTS = ['etl.start', 'pipeline.start', 'pipeline.rerun', 'deployment.start'];

/** The run or deployment that the audit entry says was made; null where it says something else. */
function madeBy({ action, target, after }: Data): string | null {
  if (STARTS.includes(String(action))) return String(target);
  // What takes a live deployment back names that one; the one that follows it stands beside.
  const by: unknown = action === 'deployment.roll-back' ? Object(after)['by'] : undefined;
  return typeof by === 'string' ? String(target).replace(/[^/]*$/, by) : null;
}

/** Checks the end; `violated` hears of each violation. */
export function checkQuiet(
  { documents, executions, services, accepted, published, messages, unanswered }: Remains,
  violated: (invariant: Invariant, detail: string) => void,
): void {
  const starts = new Map<string, number>();
  for (const [path, data] of documents) {
    const kind = RUN.exec(path)?.[3];
    if (kind !== undefined && isActive(kind, data))
      violated('one-end', `${path} is ${String(data['status'])}`);
    if (kind !== undefined && !isOver(kind, data) && !isActive(kind, data) && data['status'] !== 'live')
      violated('one-end', `${path} still waits`);
    if (/\/locks\/[^/]+$/.test(path)) violated('locks-free', `${path} ${JSON.stringify(data)}`);
    if (path.startsWith('watch/')) violated('nothing-watched', path);
    if (path.startsWith('outbox/')) violated('outbox-empty', `${path} ${JSON.stringify(data)}`);
    const made = /\/audit\/[^/]+$/.test(path) ? madeBy(data) : null;
    if (made !== null) starts.set(made, (starts.get(made) ?? 0) + 1);
    const run = /\/etlRuns\/([^/]+)\/tables\/[^/]+$/.exec(path)?.[1];
    if (run === undefined) continue;
    const times = published.get(`${run}/${String(data['destination'])}`) ?? 0;
    if (times !== (data['status'] === 'succeeded' ? 1 : 0))
      violated('published-tables', `${path} is ${String(data['status'])} and was published ${times} times`);
  }
  for (const path of documents.keys())
    if (RUN.test(path) && starts.get(path) !== 1)
      violated('audited', `${path}: ${starts.get(path) ?? 0} entries of its start`);
  checkTriggers(documents, accepted, violated);
  checkMessages(documents, messages, violated);
  checkExecutions(documents, executions, unanswered, violated);
  checkServices(documents, services, violated);
}

function checkTriggers(
  documents: Remains['documents'],
  accepted: Remains['accepted'],
  violated: (invariant: Invariant, detail: string) => void,
): void {
  for (const { key, path } of accepted)
    if (!path.endsWith('/none') && !documents.has(path))
      violated('triggers-kept', `${key} was answered with ${path}, which is not there`);
  const byKey = Map.groupBy(accepted, ({ key }) => key);
  for (const [key, answers] of byKey) {
    const made = new Set(answers.filter(({ actor, path }) => documents.get(path)?.['requestedBy'] === actor));
    if (new Set([...made].map(({ path }) => path)).size > 1)
      violated('one-run-per-key', `${key}: ${[...made].map(({ path }) => path).join(', ')}`);
  }
}

/** The topic that tells that a run of the kind is over, and what its payload calls it. */
const ENDS: Readonly<Record<string, readonly [topic: string, name: string]>> = {
  etlRuns: ['etl-finished', 'run'],
  pipelineRuns: ['pipeline-finished', 'run'],
  deployments: ['deployment-finished', 'deployment'],
};

function checkMessages(
  documents: Remains['documents'],
  messages: Remains['messages'],
  violated: (invariant: Invariant, detail: string) => void,
): void {
  const told = [...messages];
  for (const path of documents.keys()) {
    const [, , , kind = ''] = RUN.exec(path) ?? [];
    const [topic, name] = ENDS[kind] ?? [];
    if (topic === undefined) continue;
    const said = `"${name}":"${path.split('/').at(-1)}"`;
    if (!told.some((one) => one.startsWith(topic) && one.includes(said)))
      violated('ends-told', `${topic} of ${path}`);
  }
}

function checkExecutions(
  documents: Remains['documents'],
  executions: Remains['executions'],
  unanswered: Remains['unanswered'],
  violated: (invariant: Invariant, detail: string) => void,
): void {
  for (const { name, state } of executions)
    if (state === 'running') violated('executions-end', `${name} still runs`);
  const started = Map.groupBy(
    executions.filter(({ deployable }) => deployable === 'etl-runner'),
    ({ env }) =>
      `tenants/${env['TRADEWIND_TENANT']}/models/${env['TRADEWIND_MODEL']}/etlRuns/${env['TRADEWIND_RUN']}`,
  );
  for (const [path, containers] of started) {
    const counted = Number(documents.get(path)?.['attempts'] ?? 0) + (unanswered.get(path) ?? 0);
    if (containers.length > counted)
      violated('one-container', `${path}: ${containers.length} containers, ${counted} accounted for`);
  }
}

function checkServices(
  documents: Remains['documents'],
  services: Remains['services'],
  violated: (invariant: Invariant, detail: string) => void,
): void {
  for (const [path, data] of documents) {
    if (!/^tenants\/[^/]+\/models\/[^/]+$/.test(path)) continue;
    const live = data['liveDeployment'];
    const service = [...services.values()].find(({ name }) => name.endsWith(`/tw-${path.split('/').at(-1)}`));
    if (typeof live !== 'string') {
      if (service?.open === true)
        violated('traffic', `${path} has nothing live, and a service that anybody may call`);
      continue;
    }
    const revision = documents.get(`${path}/deployments/${live}`)?.['revision'];
    const share = service?.traffic.find((one) => one.revision === revision)?.percent ?? 0;
    if (share !== 100)
      violated(
        'traffic',
        `${path}: ${share} percent at ${String(revision)}, the live one; ${JSON.stringify(service?.traffic ?? null)}`,
      );
  }
}
