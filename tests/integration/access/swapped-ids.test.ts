/** Every id that a request can carry, in its path, body or query, replaced by another company's: it is as if it were not. */
import { datasetNames } from '#core/model';
import type { Contract } from '#core/api/contract';
import { allContracts, endpointOf } from '#tests/contracts';
import { makeCompany, makeMembers } from '#tests/cast';
import { useLocalCloud } from '#tests/local-cloud';
import { openTestStore } from '#tests/store';
import {
  type Answer,
  casesOf,
  csv,
  dataset,
  empty,
  failsPreflight,
  INPUTS,
  LISTED,
  NOBODY,
  notThere,
  PARAMETERS,
  short,
} from '#tests/swap-cases';
import { dumpOf, makeSwapScene, type SwapIds, type SwapScene } from '#tests/swap-scene';

const store = openTestStore();
let own: SwapScene;
let foreign: SwapScene;
let before: string[];
const tried = { swaps: 0, controls: 0 };

beforeAll(async () => {
  const [members, others] = await Promise.all([makeMembers(), makeMembers()]);
  own = await makeSwapScene(store, await makeCompany(store, members));
  foreign = await makeSwapScene(store, await makeCompany(store, others));
  before = await dumpOf(store, foreign);
}, 120_000);
afterAll(async () => {
  process.stderr.write(`swapped ids: ${tried.swaps} swaps refused, ${tried.controls} controls let in\n`);
  await store.db.close();
});

/** What an endpoint is sent where nothing is swapped. @throws Error where it takes something and nothing is said above */
function inputOf(contract: Contract, ids: SwapIds): object {
  const given = INPUTS[short(contract)]?.(ids) ?? {};
  const takes = contract.method === 'GET' ? contract.query : contract.body;
  const parsed = takes.safeParse(given);
  if (!parsed.success) throw new Error(`${short(contract)} takes more: ${parsed.error.message}`);
  return given;
}

async function call(contract: Contract, ids: SwapIds, input: object): Promise<Answer> {
  const path = contract.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const kind = PARAMETERS[name];
    if (kind === undefined) throw new Error(`{${name}} of ${endpointOf(contract)} has no line in PARAMETERS`);
    const id = kind(contract.path);
    return id === null ? 'champion' : ids[id];
  });
  const reads = contract.method === 'GET';
  const query = reads
    ? `?${new URLSearchParams(Object.entries(input).map(([key, value]) => [key, String(value)])).toString()}`
    : '';
  const response = await fetch(`${useLocalCloud().urls.web}${path}${query}`, {
    method: contract.method,
    headers: {
      authorization: `Bearer ${own.company.members.owner.token}`,
      ...(reads ? {} : { 'content-type': 'application/json' }),
    },
    ...(reads ? {} : { body: JSON.stringify(input) }),
  });
  const text = await response.text();
  // A problem, a list, a log, or none of these.
  const { code, items, lines } = JSON.parse(text) as Partial<Answer>;
  return { status: response.status, text, code, items, lines };
}

/** An answer without the ids that it was asked for, its own id, and the moment. */
function shapeOf({ status, text }: Answer): string {
  const swapped = Object.entries(foreign.ids).flatMap(([kind, id]): [string, string][] => [
    [id, kind],
    // Keys of both have the same names.
    [NOBODY[kind as keyof SwapIds], kind],
  ]);
  const named = swapped.reduce((words, [id, kind]) => words.replaceAll(id, `<${kind}>`), text);
  return `${status} ${named
    .replace(/"requestId":"[^"]*"/, '')
    .replaceAll(/20\d\d-\d\d-\d\dT[\d:.]+Z/g, '<moment>')
    .replaceAll(/"id":"[a-z0-9]{16}"/g, '"id":"<id>"')
    .replace(/go on after \\"[a-z0-9]*\\"/, 'go on after <id>')}`;
}

/** What came out otherwise than it must of a swap: told like what does not exist, in the same words. */
function faultsOf(where: string, swapped: Answer, unknown: Answer, accepted: (answer: Answer) => boolean) {
  tried.swaps += 1;
  const faults: string[] = [];
  if (!accepted(swapped)) faults.push(`${where}: ${swapped.status} ${swapped.text.slice(0, 300)}`);
  if (swapped.text.includes(foreign.marker)) faults.push(`${where} tells something of the other company`);
  if (shapeOf(swapped) !== shapeOf(unknown))
    faults.push(`${where} tells it from none:\n  ${shapeOf(swapped)}\n  ${shapeOf(unknown)}`);
  return faults;
}

// The sources of this test are at an address where nothing answers.
const letIn = ({ status, code }: Answer) =>
  (status < 500 || code === 'source-unreachable') && status !== 401 && status !== 403 && code !== 'not-found';
const control = (where: string, answer: Answer) => {
  tried.controls += 1;
  return letIn(answer) ? [] : [`control ${where}: ${answer.status} ${answer.text.slice(0, 300)}`];
};

/** Lists below what is not there are empty; what is the same for everybody is told without a look at the model. */
const SAME_FOR_ALL = ['POST …/schedules/preview', 'GET …/pipelines/presets'];

// What changes most comes last: each is tried on records that are still there.
const RANK = ['GET', 'PATCH', 'PUT', 'POST', 'DELETE'];
const rank = ({ method, path }: Contract) => RANK.indexOf(method) + (path.endsWith('/archive') ? 0.5 : 0);

test('in a body or a query', async () => {
  const contracts = (await allContracts()).map(({ contract }) => contract);
  const find = (name: string) => contracts.find((one) => short(one) === name) ?? fail(name);
  const { ids } = own;
  const faults: string[] = [];
  for (const [endpoint, what, input, means = notThere] of casesOf(ids)) {
    const where = `${endpoint} with another's ${what}`;
    const contract = find(endpoint);
    const [swapped, unknown] = await Promise.all([
      call(contract, ids, input(foreign.ids)),
      call(contract, ids, input(NOBODY)),
    ]);
    faults.push(...faultsOf(where, swapped, unknown, means));
    const mine = await call(contract, ids, input(ids));
    faults.push(...control(where, mine));
    if (means !== notThere && !failsPreflight(mine) && means(mine))
      faults.push(`control ${where}: refused too`);
  }
  // Every list, asked to go on after another's record.
  for (const contract of contracts.filter(
    (one) => one.method === 'GET' && one.query.safeParse({ after: 'xyz1' }).success,
  )) {
    if (!contract.path.startsWith('/api/tenants/{tenant}/')) continue;
    const kind = LISTED[contract.path.split('/').at(-1) ?? '']?.(contract.path) ?? 'model';
    const after = (x: SwapIds) => call(contract, ids, { after: x[kind] });
    const [swapped, unknown] = await Promise.all([after(foreign.ids), after(NOBODY)]);
    const gone = (answer: Answer) => answer.code === 'cursor-gone' || empty(answer);
    faults.push(...faultsOf(`${short(contract)} after another's ${kind}`, swapped, unknown, gone));
  }
  expect(faults).toEqual([]);
}, 300_000);

test('files and tables of another company are named in vain', async () => {
  const contracts = (await allContracts()).map(({ contract }) => contract);
  const find = (name: string) => contracts.find((one) => short(one) === name) ?? fail(name);
  const { ids } = own;
  const faults: string[] = [];
  const made = await call(find('POST …/sources'), ids, csv(ids.upload));
  expect(made.status).toBe(201);
  // Answers of the contract: a source.
  const { id: source } = JSON.parse(made.text) as { id: string };
  for (const uri of [
    foreign.ids.upload,
    foreign.ids.exported,
    ids.upload.replace(`/${ids.model}/`, `/${ids.model}/uploads/../../../${foreign.ids.tenant}/`),
    ids.upload.replace(`/${ids.tenant}/${ids.model}/`, `/${foreign.ids.tenant}/${foreign.ids.model}/`),
    ids.exported,
  ])
    for (const [endpoint, at] of [
      ['POST …/sources', ids],
      ['PATCH …/sources/{source}', { ...ids, source }],
    ] as const) {
      tried.swaps += 1;
      const answer = await call(find(endpoint), at, csv(uri));
      if (answer.code !== 'object-forbidden' || answer.text.includes(foreign.marker))
        faults.push(`${endpoint} with ${uri}: ${answer.status} ${answer.text}`);
    }
  // A data set may be defined before its tables are loaded; another company's table never is.
  const named = await call(find('POST …/datasets'), ids, dataset(foreign.ids.destination));
  const preview = (of: string) => call(find('GET …/datasets/{dataset}/preview'), { ...ids, dataset: of }, {});
  const { id: other } = JSON.parse(named.text) as { id: string };
  expect(await preview(other)).toMatchObject({ code: 'table-not-loaded' });
  const raw = datasetNames({ datasetPrefix: 'tw_' }, foreign.ids.tenant, foreign.ids.model).raw;
  for (const destination of [
    `${raw}.${foreign.ids.destination}`,
    `${raw}\`.\`${foreign.ids.destination}`,
    '../x',
  ])
    expect(await call(find('POST …/datasets'), ids, dataset(destination))).toMatchObject({ status: 422 });
  const mine = await preview(ids.dataset);
  expect(mine.text).toContain(own.marker);
  expect(faults).toEqual([]);
});

test('in a path', async () => {
  const contracts = (await allContracts())
    .map(({ contract }) => contract)
    .filter(({ path }) => path.startsWith('/api/tenants/{tenant}'))
    .sort((a, b) => rank(a) - rank(b));
  const { ids } = own;
  const faults: string[] = [];
  for (const contract of contracts) {
    const name = short(contract);
    const input = inputOf(contract, ids);
    const kinds = [...contract.path.matchAll(/\{(\w+)\}/g)].flatMap(
      ([, part = '']) => PARAMETERS[part]?.(contract.path) ?? [],
    );
    const sameForAll = SAME_FOR_ALL.includes(name);
    // Each alone; and all below the tenant together, as they are in the other company.
    const ways = [...kinds.map((kind) => [kind]), ...(kinds.length > 2 ? [kinds.slice(1)] : [])];
    for (const way of ways) {
      const swap = (by: SwapIds): SwapIds => ({
        ...ids,
        ...Object.fromEntries(way.map((kind) => [kind, by[kind]])),
      });
      const [swapped, unknown] = await Promise.all([
        call(contract, swap(foreign.ids), input),
        call(contract, swap(NOBODY), input),
      ]);
      const fine = (answer: Answer) =>
        notThere(answer) ||
        (!way.includes('tenant') &&
          ((contract.method === 'GET' && empty(answer)) ||
            (short(contract).endsWith('/preflight') && failsPreflight(answer)) ||
            (sameForAll && answer.status === 200)));
      faults.push(...faultsOf(`${name} with another's ${way.join(', ')}`, swapped, unknown, fine));
    }
    faults.push(...control(name, await call(contract, ids, input)));
  }
  expect(faults).toEqual([]);
}, 600_000);

test('nothing of the other company was changed by all that', async () => {
  expect(before.length).toBeGreaterThan(20);
  expect(await dumpOf(store, foreign)).toEqual(before);
  expect(tried.swaps).toBeGreaterThan(300);
});

function fail(name: string): never {
  throw new Error(`no endpoint ${name}`);
}
