import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initializeTestEnvironment, type RulesTestEnvironment } from '@firebase/rules-unit-testing';
import {
  collection,
  collectionGroup,
  deleteDoc,
  doc,
  type Firestore,
  getDoc,
  getDocs,
  setDoc,
  setLogLevel,
  updateDoc,
} from 'firebase/firestore';
import { type Capability, may, Role } from '#core/access';
import { paths } from '#core/paths';
import { type LocalCloud, startLocalCloud } from '#scripts/local/cloud';

setLogLevel('silent'); // every refusal below would be logged

const OWN = 'tacme';
const FOREIGN = 'tother';
const MODEL = 'mbolts';

/** One document of every kind, in tenant `t`, with the capability that reading it asks for; null: nobody reads it. */
function documentsOf(t: string): Record<string, Capability | null> {
  const etl = paths.etlRun(t, MODEL, 'retl1');
  const run = paths.pipelineRun(t, MODEL, 'rpipe1');
  const deployment = paths.deployment(t, MODEL, 'ddeploy1');
  return {
    [paths.tenant(t)]: null,
    [paths.member(t, `owner-of-${t}`)]: 'belong',
    [paths.invitation(t, 'iinvited')]: 'manage-members',
    [paths.apiKey(t, 'kshop')]: 'manage-keys',
    [paths.alertChannel(t, 'hchan1')]: 'read',
    [paths.alertDelivery(t, 'ddel1')]: 'read',
    [paths.alertState(t, MODEL, `etl~${MODEL}`)]: 'read',
    [paths.alert(t, MODEL, 'aone1')]: 'read',
    [paths.audit(t, 'aentry1')]: 'read-audit',
    [paths.auditBlock(t, 1)]: null,
    [paths.export(t, 'eexport1')]: 'own',
    [paths.import(t, 'iimport1')]: 'own',
    [paths.usage(t, '2026-11')]: 'read-usage',
    [paths.runUsage(t, '2026-11', 'retl1')]: 'read-usage',
    [paths.model(t, MODEL)]: 'read',
    [paths.source(t, MODEL, 'serp1')]: 'read',
    [paths.sourceTable(t, MODEL, 'serp1', 'torders')]: 'read',
    [paths.connectionTest(t, MODEL, 'ctest1')]: 'read',
    [etl]: 'read',
    [paths.etlTable(t, MODEL, 'retl1', 'torders')]: 'read',
    [paths.etlUnit(t, MODEL, 'retl1', 'unit1')]: null,
    [paths.etlPlan(etl, 'torders')]: null,
    [paths.etlEpoch(etl)]: null,
    [paths.lease(etl)]: null,
    [paths.progress(etl, 0)]: 'read',
    [`${paths.logs(etl)}/0001`]: 'read',
    [paths.dataset(t, MODEL, 'dlines')]: 'read',
    [paths.schedule(t, MODEL, 'snightly')]: 'read',
    [paths.firing(t, MODEL, 'snightly', 'f1')]: 'read',
    [paths.startRefusal(t, MODEL, 'rpipe1')]: null,
    [paths.pipelineConfig(t, MODEL, 'cquick')]: 'read',
    [run]: 'read',
    [paths.lease(run)]: null,
    [paths.progress(run, 0)]: 'read',
    [`${paths.logs(run)}/0001`]: 'read',
    [paths.version(t, MODEL, 'vone1')]: 'read',
    [paths.versionNumber(t, MODEL, 1)]: null,
    [paths.alias(t, MODEL, 'champion')]: 'read',
    [deployment]: 'read',
    [`${paths.health(deployment)}/instance1`]: 'read',
    [`${paths.logs(deployment)}/0001`]: 'read',
    [paths.lock(t, MODEL, 'etl')]: null,
    [paths.outboxEntry(`o-${t}`)]: null,
    [paths.claim(`c-${t}`)]: null,
    [paths.watched(etl)]: null,
    [paths.sealed(`s-${t}`)]: null,
    [paths.keyHash(`h-${t}`)]: null,
    [paths.rateLimit(t, 'read')]: null,
    [paths.idempotency(`i-${t}`)]: null,
    [paths.operator(`op-${t}`)]: null,
    [paths.deadLetter(`l-${t}`)]: null,
    [paths.deletion(t)]: null,
  };
}
const mayRead = (role: Role, capability: Capability | null) => capability !== null && may(role, capability);

/** What was tried and what it came to, over the whole suite. */
const matrix = { cells: 0, leaks: 0 };
/** Tries `operation` and says whether it came out as it must. */
async function cell(expected: 'allowed' | 'denied', operation: Promise<unknown>): Promise<boolean> {
  const came = await said(operation);
  matrix.cells += 1;
  if (came === 'allowed' && expected === 'denied') matrix.leaks += 1;
  return came === expected;
}

const parentOf = (path: string) => path.split('/').slice(0, -1).join('/');
/** A collection's path with every id taken out. */
const shapeOf = (path: string) =>
  path
    .split('/')
    .filter((_, index) => index % 2 === 0)
    .join('/');

let cloud: LocalCloud;
let rules: RulesTestEnvironment;
let state: string;

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'tradewind-rules-'));
  cloud = await startLocalCloud({ stateDir: state, only: ['firestore'] });
  rules = await initializeTestEnvironment({
    projectId: cloud.projectId,
    firestore: { host: '127.0.0.1', port: cloud.ports.firestore },
  });
  await rules.withSecurityRulesDisabled(async (context) => {
    const db = firestoreOf(context);
    for (const tenant of [OWN, FOREIGN]) {
      for (const path of Object.keys(documentsOf(tenant))) await setDoc(doc(db, path), { id: 'x' });
      await setDoc(doc(db, paths.tenant(tenant)), { id: tenant, status: 'active' });
      for (const role of Role.options)
        await setDoc(doc(db, paths.member(tenant, `${role}-of-${tenant}`)), { role, tenant });
    }
  });
});

afterAll(async () => {
  await rules?.cleanup();
  await cloud?.stop();
  rmSync(state, { recursive: true, force: true });
});

/** The library's own Firestore is the compatible one, which the modular functions take; its type does not say so. */
function firestoreOf(context: { firestore(): unknown }): Firestore {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return context.firestore() as Firestore;
}
const clients = new Map<string | null, Firestore>();
/** Firestore as `uid` sees it; one connection each. */
function as(uid: string | null): Firestore {
  const known = clients.get(uid);
  if (known !== undefined) return known;
  const db = firestoreOf(uid === null ? rules.unauthenticatedContext() : rules.authenticatedContext(uid));
  clients.set(uid, db);
  return db;
}

/** What the rules say to an operation; any other failure is thrown. */
async function said(operation: Promise<unknown>): Promise<'allowed' | 'denied'> {
  try {
    await operation;
    return 'allowed';
  } catch (error) {
    // The library brings its own copy of the error's class.
    if (error instanceof Error && 'code' in error && error.code === 'permission-denied') return 'denied';
    throw error;
  }
}

describe.each(Role.options)('a member who is %s', (role) => {
  test.each(Object.entries(documentsOf(OWN)))('of its own tenant: %s is for %s', async (path, capability) => {
    const db = as(`${role}-of-${OWN}`);
    const expected = mayRead(role, capability) ? 'allowed' : 'denied';
    expect(await cell(expected, getDoc(doc(db, path)))).toBe(true);
    expect(await cell(expected, getDocs(collection(db, parentOf(path))))).toBe(true);
  });

  test.each(Object.entries(documentsOf(FOREIGN)))(
    'of another tenant: %s is closed',
    async (path, capability) => {
      const stranger = as(`${role}-of-${OWN}`);
      expect(await cell('denied', getDoc(doc(stranger, path)))).toBe(true);
      expect(await cell('denied', getDocs(collection(stranger, parentOf(path))))).toBe(true);
      // The control: the same role, at home there.
      expect(
        await cell(
          mayRead(role, capability) ? 'allowed' : 'denied',
          getDoc(doc(as(`${role}-of-${FOREIGN}`), path)),
        ),
      ).toBe(true);
    },
  );

  test.each(Object.keys(documentsOf(OWN)))('nobody writes: %s', async (path) => {
    const db = as(`${role}-of-${OWN}`);
    expect(await cell('denied', setDoc(doc(db, path), { id: 'y' }))).toBe(true);
    expect(await cell('denied', updateDoc(doc(db, path), { id: 'y' }))).toBe(true);
    expect(await cell('denied', setDoc(doc(db, `${parentOf(path)}/new1`), { id: 'y' }))).toBe(true);
    expect(await cell('denied', deleteDoc(doc(db, path)))).toBe(true);
  });

  test.each([
    ...new Set(Object.keys(documentsOf(OWN)).map((path) => parentOf(path).split('/').at(-1) ?? '')),
  ])('nobody asks across tenants: %s wherever it is', async (name) => {
    expect(await cell('denied', getDocs(collectionGroup(as(`${role}-of-${OWN}`), name)))).toBe(true);
  });
});

describe.each([
  ['not signed in', null],
  ['signed in without a tenant', 'nobody'],
])('%s', (_, uid) => {
  test.each(Object.entries(documentsOf(OWN)))('%s is closed', async (path, capability) => {
    expect(await cell('denied', getDoc(doc(as(uid), path)))).toBe(true);
    expect(await cell('denied', getDocs(collection(as(uid), parentOf(path))))).toBe(true);
    expect(await cell('denied', setDoc(doc(as(uid), path), { id: 'y' }))).toBe(true);
    expect(await cell('denied', deleteDoc(doc(as(uid), path)))).toBe(true);
    // The control: the owner, who may everything that anybody may.
    expect(
      await cell(capability === null ? 'denied' : 'allowed', getDoc(doc(as(`owner-of-${OWN}`), path))),
    ).toBe(true);
  });

  test('nobody makes himself a member', async () => {
    const path = paths.member(OWN, uid ?? 'anybody');
    expect(await cell('denied', setDoc(doc(as(uid), path), { role: 'owner', tenant: OWN }))).toBe(true);
  });
});

test('a member who was removed is refused on the next read', async () => {
  const uid = `leaver-of-${OWN}`;
  const member = (write: (db: Firestore) => Promise<void>) =>
    rules.withSecurityRulesDisabled(async (context) => write(firestoreOf(context)));
  await member((db) => setDoc(doc(db, paths.member(OWN, uid)), { role: 'viewer', tenant: OWN }));
  expect(await said(getDoc(doc(as(uid), paths.model(OWN, MODEL))))).toBe('allowed');
  await member((db) => deleteDoc(doc(db, paths.member(OWN, uid))));
  expect(await said(getDoc(doc(as(uid), paths.model(OWN, MODEL))))).toBe('denied');
});

test.each(['suspended', 'deleted', undefined])(
  'nobody reads on in a tenant whose status is %s, until it is active again',
  async (status) => {
    const tenant = `t${status ?? 'nostatus'}`;
    const set = (fields: object) =>
      rules.withSecurityRulesDisabled(async (context) =>
        setDoc(doc(firestoreOf(context), paths.tenant(tenant)), fields),
      );
    const owner = as(`owner-of-${tenant}`);
    await rules.withSecurityRulesDisabled(async (context) => {
      const db = firestoreOf(context);
      await setDoc(doc(db, paths.member(tenant, `owner-of-${tenant}`)), { role: 'owner', tenant });
      await setDoc(doc(db, paths.model(tenant, MODEL)), { id: MODEL });
      await setDoc(doc(db, paths.audit(tenant, 'aentry1')), { id: 'x' });
    });
    const reads = async () =>
      Promise.all(
        [paths.model(tenant, MODEL), paths.audit(tenant, 'aentry1')].map((path) =>
          said(getDoc(doc(owner, path))),
        ),
      );
    await set(status === undefined ? {} : { status });
    expect(await reads()).toEqual(['denied', 'denied']);
    await set({ status: 'active' });
    expect(await reads()).toEqual(['allowed', 'allowed']);
  },
);

test('every path the product knows is in the list above', () => {
  const id = 'x1234';
  const run = paths.etlRun(id, id, id);
  const deployment = paths.deployment(id, id, id);
  const listed = new Set(Object.keys(documentsOf(id)).map((path) => shapeOf(path)));
  const known = Object.entries(paths).map(([name, path]) => {
    if (typeof path === 'string') return path;
    // Each takes ids; more of them than it has parameters do no harm.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const build = path as (...ids: string[]) => string;
    // Those that do not begin with a collection are parts of a run, or of a deployment.
    return build(id).startsWith(id)
      ? build(name === 'health' ? deployment : run, id)
      : name === 'lock'
        ? paths.lock(id, id, 'etl')
        : build(id, id, id, id);
  });
  expect(known.map(shapeOf).filter((shape) => !listed.has(shape))).toEqual([]);
});

test('a collection nobody thought of is closed', async () => {
  const path = `tenants/${OWN}/models/${MODEL}/somethingNew/x1`;
  await rules.withSecurityRulesDisabled(async (context) =>
    setDoc(doc(firestoreOf(context), path), { id: 'x' }),
  );
  expect(await said(getDoc(doc(as(`owner-of-${OWN}`), path)))).toBe('denied');
});

/** What the emulator tells of an expression of the rules: what it came to and how often, and its parts. */
interface Seen {
  readonly sourcePosition: { readonly line: number; readonly column: number };
  readonly values?: readonly { readonly value: { readonly boolValue?: boolean }; readonly count: number }[];
  readonly children?: readonly Seen[];
}

test('every condition of the rules was seen to hold and not to hold', async () => {
  const address = `http://127.0.0.1:${cloud.ports.firestore}/emulator/v1/projects/${cloud.projectId}:ruleCoverage`;
  // The emulator's own format; this test is what reads it.
  const { report } = (await (await fetch(address)).json()) as { report: readonly Seen[] };
  const conditions = new Map<string, Set<boolean>>();
  const walk = ({ sourcePosition, values = [], children = [] }: Seen): void => {
    const at = `${sourcePosition.line}:${sourcePosition.column}`;
    for (const { value } of values)
      if (value.boolValue !== undefined)
        conditions.set(at, (conditions.get(at) ?? new Set()).add(value.boolValue));
    for (const child of children) walk(child);
  };
  report.forEach(walk);
  expect(conditions.size).toBeGreaterThan(20);
  expect([...conditions].filter(([, seen]) => seen.size < 2).map(([at]) => at)).toEqual([]);
});

test('no cell leaked', () => {
  process.stderr.write(`rules matrix: ${matrix.cells} cells, ${matrix.leaks} leaks\n`);
  expect(matrix.cells).toBeGreaterThan(2000);
  expect(matrix.leaks).toBe(0);
});
