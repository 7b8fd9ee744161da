import { ROLES } from '#core/access';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { type Actor, type Company, makeActor, makeCompany, makeMembers } from '../cast.ts';
import { allContracts, endpointOf, type NamedContract } from '../contracts.ts';
import { useLocalCloud } from '../local-cloud.ts';
import { openTestStore, type TestStore } from '../store.ts';
import { recordsOf } from '../web/records.ts';
import { judgeAnswer } from './judge.ts';
import { fuzzRequest, type Known } from './requests.ts';
import { makeDice } from './values.ts';

/** What the API did wrong, each with what repeats it. */
export interface FuzzReport {
  readonly endpoints: number;
  readonly requests: number;
  readonly faults: readonly string[];
}

/** Sends `cases` requests to each endpoint of the running functions, some valid, most not; the same seed, the same requests. */
export async function fuzzApi(
  options: { readonly cases: number; readonly seed: number; readonly only?: string },
  onEndpoint: (name: string, faults: number) => void = () => undefined,
): Promise<FuzzReport> {
  const store = openTestStore();
  try {
    const endpoints = (await allContracts()).filter(
      ({ name, contract }) =>
        contract.path.startsWith('/api/') && (options.only === undefined || name === options.only),
    );
    const [members, operator] = await Promise.all([makeMembers(), makeActor()]);
    await store.db.commit([
      {
        kind: 'set',
        path: paths.operator(operator.uid),
        data: { uid: operator.uid, email: operator.email, addedAt: new Date().toISOString() },
      },
    ]);
    const faults: string[] = [];
    let requests = 0;
    const waiting = endpoints.map((endpoint, index) => ({ endpoint, index }));
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { endpoint, index } = next;
        const known = await sceneFor(store, endpoint, members, operator);
        const dice = makeDice(options.seed * 1000 + index);
        let own = 0;
        for (let one = 0; one < options.cases; one++) {
          const request = fuzzRequest(endpoint.contract, known, dice);
          requests += 1;
          const fault = await judgeAnswer(useLocalCloud().urls.web, request);
          if (fault === null) continue;
          own += 1;
          const body = request.body === null ? '' : ` ${Buffer.from(request.body).toString().slice(0, 300)}`;
          faults.push(
            `${endpointOf(endpoint.contract)} case ${one}: ${fault}\n    ${request.method} ${request.url.slice(0, 300)}${body}`,
          );
        }
        onEndpoint(endpoint.name, own);
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    await store.db.commit([{ kind: 'delete', path: paths.operator(operator.uid) }]);
    return { endpoints: endpoints.length, requests, faults };
  } finally {
    await store.db.close();
  }
}

/** A company of its own for each endpoint, with one record of each kind: what one endpoint destroys no other misses. */
async function sceneFor(
  store: TestStore,
  { contract }: NamedContract,
  members: Readonly<Record<(typeof ROLES)[number], Actor>>,
  operator: Actor,
): Promise<Known> {
  const company: Company = await makeCompany(store, members);
  const { tenant, model } = company;
  const records = recordsOf(tenant, model);
  const at = new Date().toISOString();
  const other = Model.parse({
    id: 'mother1',
    name: 'Other',
    description: '',
    status: 'archived',
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
    liveDeployment: null,
  });
  const put = (path: string, data: object) => ({ kind: 'set' as const, path, data: { ...data } });
  const table = records.table('order_lines', 'customer_no STRING, sku STRING, ordered_at TIMESTAMP');
  await store.db.commit([
    put(paths.model(tenant, other.id), other),
    put(records.paths.source, records.source),
    put(records.paths.table(table.id), table),
    put(records.paths.etl, records.etl('failed', 0)),
    put(records.paths.etlTable, records.etlTable('failed', 0)),
    put(records.paths.dataset, records.dataset),
    put(
      records.paths.pipeline,
      records.pipeline('succeeded', ['succeeded', 'succeeded', 'succeeded', 'succeeded']),
    ),
    put(records.paths.version, records.version),
    put(records.paths.deployment, records.deployment('stopped', 'https://recommender.example')),
  ]);
  const params = {
    tenant,
    model,
    source: records.source.id,
    table: table.id,
    dataset: records.dataset.id,
    run: contract.path.includes('/etl/') ? 'retl1' : 'rpipe1',
    version: records.version.id,
    deployment: 'ddeploy1',
    member: members.viewer.uid,
    alias: 'challenger',
  };
  const ids = [...new Set(Object.values(params).filter((id) => id !== tenant)), other.id, 'unknown1234'];
  return { params, ids, token: contract.access === 'operator' ? operator.token : members.owner.token };
}
