import path from 'node:path';
import { makeClient } from '#core/api/client';
import { askForCustomers } from '#scripts/start/answers';
import { planDataset } from '#scripts/start/columns';
import type { StartOptions } from '#scripts/start/options';
import type { Progress } from '#scripts/start/progress';
import type { Outcome } from '#scripts/start/report';
import { defineDataset, liveDeployment, load, rejectionReasons, runPipeline } from '#scripts/start/runs';
import { openModel, type Session } from '#scripts/start/session';
import { DEMO_USER, signIn } from '#scripts/start/sign-in';
import {
  chooseTables,
  discover,
  openSource,
  type SourcePlan,
  testConnection,
  uploadOrders,
} from '#scripts/start/source';
import { parseSourceUrl } from '#scripts/start/source-url';

/** Where and with what the main job runs. */
export interface MainJob {
  /** Address of the web application; the API lies below it. */
  readonly web: string;
  readonly options: StartOptions;
  /** Login of the demo database; null when the input is the user's own. */
  readonly demoUrl: string | null;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const TENANT = 'Demo company';

/**
 * From a company's database to recommendations, as a client of the public API: sign in, add the source, test it,
 * discover, load, define the data set, run the pipeline, ask the deployed model. May run again: what is there is used.
 * A model that the quality gate refuses is an outcome too, without recommendations.
 */
export async function runMainJob(job: MainJob): Promise<Outcome> {
  const { web, options, progress, signal } = job;
  const session = await progress.step(
    'sign-in',
    'Sign in',
    async (say): Promise<Session & { token: () => Promise<string> }> => {
      const token = await signIn(web, DEMO_USER, Date.now);
      const call = makeClient({ baseUrl: web, token, fetch, patience: 10 });
      const at = await openModel(call, TENANT, modelName(job));
      say(`${DEMO_USER.email}, model "${modelName(job)}"`);
      return { call, at, signal, token };
    },
  );

  const source = await progress.step('source', 'Add the source', async (say) => {
    const plan = await planSource(job, session);
    say(plan.name);
    return openSource(session, plan);
  });
  await progress.step('connection-test', 'Test the connection', (say) =>
    testConnection(session, source, say),
  );
  const plan = await progress.step('discover', 'Discover tables', async (say) => {
    const tables = await discover(session, source);
    const planned = planDataset('Order lines', tables, options.columns);
    await chooseTables(session, source, new Set(planned.tables));
    say(`${planned.definition.tables.map(({ alias }) => alias).join(', ')} (${tables.length} found)`);
    return planned;
  });
  const etl = await progress.step('load', 'Load into the warehouse', (say) => load(session, say));
  const dataset = await progress.step('data-set', 'Define the data set', async (say) => {
    const { customer, item, time } = plan.definition.roles;
    say(`customer=${customer.column}, item=${item.column}, time=${time.column}`);
    return defineDataset(session, plan.definition);
  });
  const run = await runPipeline(session, dataset, progress);
  const found = { at: session.at, etl: etl.counts, extraction: run.extraction, metrics: run.metrics };
  if (run.status === 'rejected')
    return { ...found, rejected: await rejectionReasons(session, run), answers: [], deployment: null };
  return progress.step('recommend', 'Ask for recommendations', async (say): Promise<Outcome> => {
    const deployment = await liveDeployment(session, run);
    say(deployment.url);
    const answers = await askForCustomers(
      makeClient({ baseUrl: deployment.url, token: session.token, fetch }),
      3,
    );
    return { ...found, rejected: [], answers, deployment };
  });
}

/** One model per input, so that trying one's own orders leaves the demo as it is. */
function modelName({ options: { input } }: MainJob): string {
  if (input.kind === 'demo') return 'Demo wholesaler';
  const name =
    input.kind === 'orders'
      ? path.basename(input.file)
      : `${input.address.settings.database} at ${input.address.settings.host}`;
  return name.slice(0, 80);
}

async function planSource({ options, demoUrl }: MainJob, session: Session): Promise<SourcePlan> {
  const { input, state } = options;
  if (input.kind === 'orders') return uploadOrders(session, input, state);
  const address = input.kind === 'source' ? input.address : parseSourceUrl(demoUrl ?? '');
  return { name: `${address.settings.database} at ${address.settings.host}`.slice(0, 80), ...address };
}
