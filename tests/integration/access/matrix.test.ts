/** Every endpoint × every caller × every standing of the tenant, against the running functions. */
import { KEY_SCOPES, ROLES } from '#core/access';
import type { Problem } from '#core/api/contract';
import { paths } from '#core/paths';
import { ACCESS, type Who } from '#tests/access-matrix';
import { allContracts, endpointOf, type NamedContract } from '#tests/contracts';
import { type Actor, type Company, makeActor, makeCompany, makeMembers } from '#tests/cast';
import { useLocalCloud } from '#tests/local-cloud';
import { openTestStore } from '#tests/store';

const store = openTestStore();

let endpoints: NamedContract[];
let own: Company;
let foreign: Company;
let suspended: Company;
let deleted: Company;
let stranger: Actor;
let operator: Actor;
const matrix = { cells: 0, leaks: [] as string[], wronglyRefused: [] as string[] };

beforeAll(async () => {
  endpoints = (await allContracts()).filter(({ contract }) => contract.path.startsWith('/api/'));
  const [members, others, person, runner] = await Promise.all([
    makeMembers(),
    makeMembers(),
    makeActor(),
    makeActor(),
  ]);
  [stranger, operator] = [person, runner];
  await store.db.commit([
    {
      kind: 'set',
      path: paths.operator(operator.uid),
      data: { uid: operator.uid, email: operator.email, addedAt: new Date().toISOString() },
    },
  ]);
  own = await makeCompany(store, members);
  foreign = await makeCompany(store, others);
  // The same people: what differs is the tenant's standing alone.
  suspended = await makeCompany(store, members, 'suspended');
  deleted = await makeCompany(store, members, 'deleted');
}, 60_000);
afterAll(async () => {
  await store.db.commit([{ kind: 'delete', path: paths.operator(operator.uid) }]);
  process.stderr.write(
    `access matrix: ${endpoints.length} endpoints, ${matrix.cells} cells, ${matrix.leaks.length} leaks, ${matrix.wronglyRefused.length} wrongly refused\n`,
  );
  await store.db.close();
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly code: string;
}

/**
 * Calls an endpoint with an input that no contract takes: who is let in is told so (422), after all that is asked about the
 * caller, and nothing is changed by thousands of calls.
 */
async function call(
  { contract }: NamedContract,
  to: Pick<Company, 'tenant' | 'model'>,
  token: string | null,
): Promise<Answer> {
  const path = contract.path
    .replace('{tenant}', to.tenant)
    .replace('{model}', to.model)
    .replaceAll(/\{\w+\}/g, 'unknown1234');
  const reads = contract.method === 'GET';
  const response = await fetch(`${useLocalCloud().urls.web}${path}?no-such-field=1`, {
    method: contract.method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(reads ? {} : { 'content-type': 'application/json' }),
    },
    ...(reads ? {} : { body: '{"no-such-field":1}' }),
  });
  const text = await response.text();
  // Problems of the API; anything else is no answer it gives.
  const { code } = JSON.parse(text) as Problem;
  return { status: response.status, text, code };
}

const admitted = ({ status, code }: Answer) => status === 422 && code === 'invalid-input';

/** Tries a cell; keeps what came out otherwise than it must. */
async function cell(
  where: string,
  expected: 'admitted' | readonly string[],
  answer: Promise<Answer>,
): Promise<Answer> {
  const came = await answer;
  matrix.cells += 1;
  if (expected === 'admitted') {
    if (!admitted(came)) matrix.wronglyRefused.push(`${where}: ${came.status} ${came.code}`);
  } else if (!expected.includes(`${came.status} ${came.code}`))
    matrix.leaks.push(`${where}: ${came.status} ${came.code}`);
  return came;
}

const UNKNOWN = ['404 not-found'];
const FORBIDDEN = ['403 forbidden'];
const NOBODY = ['401 unauthenticated'];
const SUSPENDED = ['403 tenant-suspended'];

async function tryTenantEndpoint(endpoint: NamedContract, who: Who): Promise<void> {
  const name = endpointOf(endpoint.contract);
  const as = (caller: string, standing: string) => `${name} as ${caller} of ${standing}`;
  await cell(as('nobody', 'own'), NOBODY, call(endpoint, own, null));
  for (const role of ROLES) {
    const { token } = own.members[role];
    // Every refusal below has this control: the same person, where the role suffices.
    await cell(
      as(role, 'own'),
      who.roles.includes(role) ? 'admitted' : FORBIDDEN,
      call(endpoint, own, token),
    );
    await cell(as(role, 'suspended'), SUSPENDED, call(endpoint, suspended, token));
    const gone = await cell(as(role, 'deleted'), UNKNOWN, call(endpoint, deleted, token));
    const other = await cell(as(role, 'foreign'), UNKNOWN, call(endpoint, foreign, token));
    // Nothing tells a tenant of others from one that is gone, or from none at all.
    const answers = [gone, other];
    if (role === 'owner') {
      const nowhere = { tenant: 'tnowhere1234', model: foreign.model };
      answers.push(await cell(as(role, 'unknown'), UNKNOWN, call(endpoint, nowhere, token)));
    }
    if (new Set(answers.map(withoutNames)).size > 1) matrix.leaks.push(`${name} tells ${role} tenants apart`);
  }
  for (const scope of KEY_SCOPES)
    await cell(
      as(`key ${scope}`, 'own'),
      who.scope === scope ? 'admitted' : FORBIDDEN,
      call(endpoint, own, own.keys[scope]),
    );
  await cell(as('its key', 'foreign'), UNKNOWN, call(endpoint, foreign, own.keys[who.scope ?? 'read']));
  await cell(
    as('its key', 'suspended'),
    SUSPENDED,
    call(endpoint, suspended, suspended.keys[who.scope ?? 'read']),
  );
  await cell(as('its key', 'deleted'), UNKNOWN, call(endpoint, deleted, deleted.keys[who.scope ?? 'read']));
  for (const [caller, { token }] of Object.entries({ stranger, operator }))
    await cell(as(caller, 'none'), UNKNOWN, call(endpoint, own, token));
}

/** An answer without what names the request and the tenant asked for. */
function withoutNames({ text }: Answer): string {
  return text.replace(/"requestId":"[^"]*"/, '').replaceAll(/t[0-9a-f]{12}|tnowhere1234/g, 'T');
}

async function tryOpenEndpoint(endpoint: NamedContract, kind: 'anybody' | 'operators'): Promise<void> {
  const name = endpointOf(endpoint.contract);
  await cell(`${name} as nobody`, NOBODY, call(endpoint, own, null));
  await cell(`${name} as operator`, 'admitted', call(endpoint, own, operator.token));
  for (const [caller, { token }] of Object.entries({
    stranger,
    owner: own.members.owner,
    finance: own.members.finance,
  }))
    await cell(
      `${name} as ${caller}`,
      kind === 'anybody' ? 'admitted' : FORBIDDEN,
      call(endpoint, own, token),
    );
  for (const scope of KEY_SCOPES)
    await cell(`${name} as key ${scope}`, FORBIDDEN, call(endpoint, own, own.keys[scope]));
}

test('every endpoint has a row, and every row an endpoint', async () => {
  const known = (await allContracts()).map(({ contract }) => endpointOf(contract));
  expect(known.filter((endpoint) => !ACCESS.has(endpoint))).toEqual([]);
  expect([...ACCESS.keys()].filter((endpoint) => !known.includes(endpoint))).toEqual([]);
});

test('nobody is let in who may not be, and everybody who may', async () => {
  const waiting = [...endpoints];
  const work = async () => {
    for (let endpoint = waiting.pop(); endpoint !== undefined; endpoint = waiting.pop()) {
      const who = ACCESS.get(endpointOf(endpoint.contract));
      if (who === undefined || who.kind === 'recommender') throw new Error(`no row for ${endpoint.name}`);
      if (who.kind === 'tenant') await tryTenantEndpoint(endpoint, who);
      else await tryOpenEndpoint(endpoint, who.kind);
    }
  };
  await Promise.all(Array.from({ length: 12 }, work));
  expect(matrix.leaks).toEqual([]);
  expect(matrix.wronglyRefused).toEqual([]);
  expect(matrix.cells).toBeGreaterThan(4000);
}, 600_000);
