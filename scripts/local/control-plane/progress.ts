import type { Executions } from './executions.ts';
import type { Journal, OperationRecord } from './journal.ts';
import type { Progress } from './operations.ts';
import { executionFailure, toExecution } from './run-jobs.ts';

/** How far the resource of an operation has come, as the journal has it. */
export function resourceProgress(journal: Journal, executions: Executions) {
  return (about: OperationRecord['about']): Progress | null => {
    if (about.kind === 'deleted') return { resource: about.resource, done: true, failure: null };
    if (about.kind === 'job') {
      const job = journal.jobs[about.name];
      return job === undefined ? null : { resource: job, done: true, failure: null };
    }
    if (about.kind === 'execution') {
      const record = journal.executions[about.name];
      if (record === undefined) return null;
      const resource = toExecution(record, executions.logFolder(record.name));
      const done = record.completionTime !== undefined;
      return { resource, done, failure: executionFailure(record)?.message ?? null };
    }
    const service = journal.services[about.name]?.service;
    if (service === undefined) return null;
    const done = Number(service.observedGeneration ?? 0) >= about.generation;
    const { state, message } = service.terminalCondition ?? {};
    return { resource: service, done, failure: state === 'CONDITION_FAILED' ? (message ?? '') : null };
  };
}
