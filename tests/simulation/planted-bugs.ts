/* Bugs that the worlds must find: each one place of the production code, changed as somebody might by mistake. */
import type { Invariant } from './invariants.ts';
import type { SourceChange } from './production.ts';

export interface PlantedBug {
  readonly name: string;
  readonly change: SourceChange;
  /** An invariant that it violates, by way of example. */
  readonly violates: Invariant;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'a lease’s fence is not looked at when its holder writes',
    violates: 'fences',
    change: {
      file: 'functions/store/lease.ts',
      find: '      throw lost(lease);\n',
      replace: '      if (found === null || current === null) throw lost(lease);\n',
    },
  },
  {
    name: 'a lease’s fence does not grow',
    violates: 'fences',
    change: {
      file: 'functions/store/lease.ts',
      find: 'const fence = (current?.fence ?? 0) + 1;',
      replace: 'const fence = current?.fence ?? 1;',
    },
  },
  {
    name: 'letting a lease go overwrites a successor’s',
    violates: 'fences',
    change: {
      file: 'functions/store/lease.ts',
      find: 'if (found === null || current?.fence !== lease.fence || current.holder !== lease.holder) return;',
      replace: 'if (found === null || current === null) return;',
    },
  },
  {
    name: 'a lease never runs out',
    violates: 'quiet',
    change: {
      file: 'functions/store/lease.ts',
      find: 'current.expiresAt > store.clock()',
      replace: 'current.expiresAt > 0',
    },
  },
  {
    name: 'an announcement is forgotten before it is published',
    violates: 'ends-told',
    change: {
      file: 'functions/store/store.ts',
      find: '    await store.bus.publish(topic, payload, traceAttributes(currentTrace()?.requestId ?? null));\n',
      replace:
        '    await store.db.commit([{ kind: "delete", path: paths.outboxEntry(id) }]);\n    await store.bus.publish(topic, payload);\n',
    },
  },
  {
    name: 'the lock of a new run is written whether there is one or not',
    violates: 'one-active',
    change: {
      file: 'functions/store/exclusive.ts',
      find: "{ kind: 'create', path: options.lock,",
      replace: "{ kind: 'set', path: options.lock,",
    },
  },
  {
    name: 'a conflict is taken for success',
    violates: 'triggers-kept',
    change: {
      file: 'functions/store/exclusive.ts',
      find: 'if (!(error instanceof ConflictError) || attempt === 5) throw error;',
      replace: 'if (error instanceof ConflictError) return { created: true, id: options.data.id };',
    },
  },
  {
    name: 'a transition is not guarded by the state it was decided on',
    violates: 'arrows',
    change: {
      file: 'functions/store/document.ts',
      find: "{ kind: 'update', path, data: { ...Object(revision.value) }, version: current.version },",
      replace: "{ kind: 'update', path, data: { ...Object(revision.value) } },",
    },
  },
  {
    name: 'an event that does not apply is applied',
    violates: 'arrows',
    change: {
      file: 'functions/store/document.ts',
      find: 'const status = follow(cycle, current.status, event);',
      replace:
        'const status = follow(cycle, current.status, event) ?? Object.values<Record<Event, State | null>>(cycle).map((row) => row[event]).find((next) => next !== null)!;',
    },
  },
  {
    name: 'what is announced is not kept until it is published',
    violates: 'ends-told',
    change: {
      file: 'functions/store/store.ts',
      find: '    ...announcements.map(({ id, topic, payload }) => ({',
      replace: '    ...announcements.slice(0, 0).map(({ id, topic, payload }) => ({',
    },
  },
  {
    name: 'ids do not follow from the Idempotency-Key',
    violates: 'one-run-per-key',
    change: {
      file: 'functions/store/store.ts',
      find: 'return seed === null ? randomId(store, prefix) : idFrom(prefix, seed);',
      replace: 'return seed === undefined ? idFrom(prefix, seed) : randomId(store, prefix);',
    },
  },
  {
    name: 'a pipeline run that is over keeps its lock',
    violates: 'locks-free',
    change: {
      file: 'functions/pipelines/write-run.ts',
      find: ": paths.lock(ids.tenant, ids.model, 'pipeline'),",
      replace: ": paths.waiting(ids.tenant, ids.model, 'pipeline'),",
    },
  },
  {
    name: 'the watchdog does not resume a load whose container died',
    violates: 'quiet',
    change: {
      file: 'functions/etl/watch.ts',
      find: "return state === null ? 'start' : 'resume';",
      replace: "return state === null ? 'start' : 'nothing';",
    },
  },
  {
    name: 'who loses the race for a container starts one as well',
    violates: 'one-container',
    change: {
      file: 'functions/etl/executions.ts',
      find: '    if (error instanceof ConflictError) return;\n    throw error;',
      replace: '    if (!(error instanceof ConflictError)) throw error;',
    },
  },
  {
    name: 'a stage begins before its turn',
    violates: 'stage-order',
    change: {
      file: 'functions/pipelines/stage-plan.ts',
      find: "  const begun = moveStage(run, stage, 'start', { startedAt: at, attempts: 1 });",
      replace:
        "  const next = STAGES[STAGES.indexOf(stage) + 1] ?? stage;\n  const begun = moveStage(moveStage(run, next, 'start', {}) ?? run, stage, 'start', { startedAt: at, attempts: 1 });",
    },
  },
  {
    name: 'a stage is tried again without end',
    violates: 'attempts',
    change: {
      file: 'functions/pipelines/stage-plan.ts',
      find: 'MAX_STAGE_ATTEMPTS = 3',
      replace: 'MAX_STAGE_ATTEMPTS = 300',
    },
  },
  {
    name: 'the deployment that was live is not superseded',
    violates: 'one-live',
    change: {
      file: 'functions/deployments/end.ts',
      find: '        ...(former === null || displaced === null',
      replace: '        ...(former === null || displaced !== null',
    },
  },
  {
    name: 'a deployment that fails leaves its revision where it is',
    violates: 'traffic',
    change: {
      file: 'functions/deployments/drive.ts',
      find: 'if (onItsWay) await takeOut(scene);',
      replace: 'if (!onItsWay) await takeOut(scene);',
    },
  },
];
