/** A person with a tenant and a model of their own on the shared local cloud, and the API as a client sees it. */
import { randomBytes } from 'node:crypto';
import { ApiError, makeClient } from '#core/api/client';
import { createModel } from '#core/api/models';
import { getEtlRun, startEtl } from '#core/api/etl';
import { createSource, discoverTables, updateSourceTable } from '#core/api/sources';
import { createTenant } from '#core/api/tenants';
import type { Problem } from '#core/api/contract';
import type { EtlRun, EtlTable } from '#core/etl-run';
import { datasetNames } from '#core/model';
import type { Credentials, Source, SourceSettings, SourceTable } from '#core/source';
import { eventually } from './eventually.ts';
import { useLocalCloud } from './local-cloud.ts';

type Call = ReturnType<typeof makeClient>;

/** What a run came to. */
export type FinishedRun = EtlRun & { readonly perTable: EtlTable[] };

export interface Account {
  readonly call: Call;
  readonly uid: string;
  /** The person's Firebase ID token. */
  readonly token: string;
  /** Parameters of every path below the model. */
  readonly params: { readonly tenant: string; readonly model: string };
  /** The dataset of its raw tables. */
  readonly raw: string;
  /** Adds a source and discovers its tables. */
  addSource(
    name: string,
    settings: SourceSettings,
    credentials?: Credentials,
  ): Promise<{ source: Source; tables: SourceTable[] }>;
  choose(
    table: SourceTable,
    choice: Partial<
      Pick<
        SourceTable,
        | 'enabled'
        | 'mode'
        | 'cursor'
        | 'excluded'
        | 'mergeKey'
        | 'deletes'
        | 'deleteLimit'
        | 'rejectLimit'
        | 'drift'
        | 'filter'
      >
    >,
  ): Promise<SourceTable>;
  /** Starts a run and waits for its end. */
  load(seconds?: number): Promise<FinishedRun>;
  /** Waits for the end of a run. */
  finished(run: string, seconds?: number): Promise<FinishedRun>;
}

/** Signs up a new person. */
export async function signUpPerson(): Promise<{ call: Call; uid: string; token: string }> {
  const { env, urls } = useLocalCloud();
  const email = `p${randomBytes(6).toString('hex')}@test.example`;
  const response = await fetch(
    `http://${env['FIREBASE_AUTH_EMULATOR_HOST']}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=local`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: 'correct horse', returnSecureToken: true }),
    },
  );
  // The emulator's answer to signUp, which its own test checks.
  const { idToken, localId } = (await response.json()) as { idToken: string; localId: string };
  const call = makeClient({ baseUrl: urls.web, token: async () => idToken, fetch, patience: 10 });
  return { uid: localId, token: idToken, call };
}

/** A new person, owner of a new tenant with one model. */
export async function openAccount(): Promise<Account> {
  const { call, uid, token } = await signUpPerson();
  const tenant = (await call(createTenant, { body: { name: 'Test' } })).id;
  const model = (await call(createModel, { params: { tenant }, body: { name: 'Model' } })).id;
  const params = { tenant, model };

  const finished: Account['finished'] = (run, seconds = 60) =>
    eventually(
      `the end of run ${run}`,
      async () => {
        const found = await call(getEtlRun, { params: { ...params, run } });
        return found.finishedAt === null ? null : found;
      },
      seconds,
    );
  return {
    call,
    uid,
    token,
    params,
    raw: datasetNames({ datasetPrefix: 'tw_' }, tenant, model).raw,
    finished,
    async addSource(name, settings, credentials) {
      const body = { name, settings, ...(credentials === undefined ? {} : { credentials }) };
      const source = await call(createSource, { params, body });
      const { items } = await call(discoverTables, { params: { ...params, source: source.id } });
      return { source, tables: items };
    },
    choose: (table, choice) =>
      call(updateSourceTable, {
        params: { ...params, source: table.source, table: table.id },
        body: choice,
      }),
    async load(seconds) {
      const run = await call(startEtl, { params });
      return finished(run.id, seconds);
    },
  };
}

/** What the API refused `attempt` with. @throws Error where it did not refuse. */
export async function refusalOf(attempt: Promise<unknown>): Promise<Problem> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof ApiError) return error.problem;
    throw error;
  }
  throw new Error('the API refused nothing');
}
