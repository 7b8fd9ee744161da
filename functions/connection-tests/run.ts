import { connectors } from '#connectors/registry';
import { ConnectionTest, connectionTestCycle, TestStep } from '#core/connection-test';
import type { Failure } from '#core/errors';
import type { Payload } from '#core/events';
import { paths } from '#core/paths';
import { Source } from '#core/source';
import { mustRead, transition } from '#store/document';
import { accessOf, sourceContext, type SourceWorld } from '#store/source-access';
import { now, type Store } from '#store/store';

type Request = Payload<'connection-test-requested'>;

/** A test that is not over by then has met a server that says nothing. */
const LIMIT_SECONDS = 45;

/**
 * Tests a source, writing each step as it ends. The message may come twice: a test that has begun is not begun again,
 * and one whose process died is failed by the watch.
 */
export async function runTest(
  store: Store,
  world: SourceWorld,
  request: Request,
  limitSeconds = LIMIT_SECONDS,
): Promise<void> {
  const path = paths.connectionTest(request.tenant, request.model, request.test);
  const begun = await transition(store, path, ConnectionTest, connectionTestCycle, 'start');
  if (begun === null) return;
  const sourcePath = paths.source(request.tenant, request.model, begun.source);
  const source = (await mustRead(store, sourcePath, Source, 'source')).value;
  const access = await accessOf(store, world, request, source);
  const context = await sourceContext(store, world, request);
  const signal = AbortSignal.timeout(limitSeconds * 1000);
  const steps: TestStep[] = [];
  let failure: Failure | null = null;
  try {
    const tested = connectors[source.settings.kind].test(access, context, signal);
    for await (const { code, ...step } of tested) {
      steps.push(step);
      if (code !== null && failure === null) failure = { code, message: step.message, remedy: step.remedy };
      // Steps are shown as they end; only this process writes while the test is running.
      await store.db.commit([{ kind: 'update', path, data: { steps } }]);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    // Steps go in order: the first that has not ended is the one that hangs.
    const tunnelled = 'tunnel' in source.settings && source.settings.tunnel !== undefined;
    const names = TestStep.shape.name.options.filter((each) => each !== 'tunnel' || tunnelled);
    const name = names[steps.length] ?? 'read';
    const message = `The step "${name}" was not over when "${source.name}" had been tested for ${limitSeconds} seconds.`;
    const remedy =
      'Check that no firewall drops the connection silently and that the server is not overloaded, then test again.';
    steps.push({ name, status: 'failed', milliseconds: 0, message, remedy });
    failure = { code: 'test-timeout', message, remedy };
  }
  await transition(store, path, ConnectionTest, connectionTestCycle, failure === null ? 'pass' : 'fail', {
    patch: () => ({ steps, failure, finishedAt: now(store) }),
  });
}

/** Ends the test as failed, unless it is over. */
export async function failTest(store: Store, request: Request, failure: Failure): Promise<void> {
  const path = paths.connectionTest(request.tenant, request.model, request.test);
  await transition(store, path, ConnectionTest, connectionTestCycle, 'fail', {
    patch: () => ({ failure, finishedAt: now(store) }),
  });
}
