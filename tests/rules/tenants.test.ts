import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initializeTestEnvironment, type RulesTestEnvironment } from '@firebase/rules-unit-testing';
import {
  collection,
  deleteDoc,
  doc,
  type Firestore,
  getDoc,
  getDocs,
  setDoc,
  setLogLevel,
} from 'firebase/firestore';
import { Role } from '#core/access';
import { paths } from '#core/paths';
import { type LocalCloud, startLocalCloud } from '#scripts/local/cloud';

setLogLevel('silent'); // every refusal below would be logged

const OWN = 'tacme';
const FOREIGN = 'tother';
const MODEL = 'mbolts';

/** One document of every kind, in tenant `t`: the value says who of the tenant's members may read it. */
function documentsOf(t: string): Record<string, readonly Role[]> {
  const etl = paths.etlRun(t, MODEL, 'retl1');
  const run = paths.pipelineRun(t, MODEL, 'rpipe1');
  const deployment = paths.deployment(t, MODEL, 'ddeploy1');
  const everyone = Role.options;
  return {
    [paths.tenant(t)]: [],
    [paths.member(t, `owner-of-${t}`)]: everyone,
    [paths.audit(t, 'aentry1')]: ['owner', 'admin'],
    [paths.model(t, MODEL)]: everyone,
    [paths.source(t, MODEL, 'serp1')]: everyone,
    [paths.sourceTable(t, MODEL, 'serp1', 'torders')]: everyone,
    [paths.connectionTest(t, MODEL, 'ctest1')]: everyone,
    [etl]: everyone,
    [paths.etlTable(t, MODEL, 'retl1', 'torders')]: everyone,
    [paths.etlUnit(t, MODEL, 'retl1', 'unit1')]: [],
    [paths.etlPlan(etl, 'torders')]: [],
    [paths.etlEpoch(etl)]: [],
    [paths.lease(etl)]: [],
    [paths.progress(etl, 0)]: everyone,
    [`${paths.logs(etl)}/0001`]: everyone,
    [paths.dataset(t, MODEL, 'dlines')]: everyone,
    [paths.pipelineConfig(t, MODEL, 'cquick')]: everyone,
    [run]: everyone,
    [paths.lease(run)]: [],
    [paths.progress(run, 0)]: everyone,
    [`${paths.logs(run)}/0001`]: everyone,
    [paths.version(t, MODEL, 'vone1')]: everyone,
    [paths.versionNumber(t, MODEL, 1)]: [],
    [deployment]: everyone,
    [`${paths.logs(deployment)}/0001`]: everyone,
    [paths.lock(t, MODEL, 'etl')]: [],
    [paths.outboxEntry(`o-${t}`)]: [],
    [paths.claim(`c-${t}`)]: [],
    [paths.watched(etl)]: [],
    [paths.sealed(`s-${t}`)]: [],
  };
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
  test.each(Object.entries(documentsOf(OWN)))('of its own tenant: %s is for %j', async (path, readers) => {
    const db = as(`${role}-of-${OWN}`);
    const expected = readers.includes(role) ? 'allowed' : 'denied';
    expect(await said(getDoc(doc(db, path)))).toBe(expected);
    expect(await said(getDocs(collection(db, parentOf(path))))).toBe(expected);
  });

  test.each(Object.entries(documentsOf(FOREIGN)))(
    'of another tenant: %s is closed',
    async (path, readers) => {
      const stranger = as(`${role}-of-${OWN}`);
      expect(await said(getDoc(doc(stranger, path)))).toBe('denied');
      expect(await said(getDocs(collection(stranger, parentOf(path))))).toBe('denied');
      // The control: the same role, at home there.
      expect(await said(getDoc(doc(as(`${role}-of-${FOREIGN}`), path)))).toBe(
        readers.includes(role) ? 'allowed' : 'denied',
      );
    },
  );

  test.each(Object.keys(documentsOf(OWN)))('nobody writes: %s', async (path) => {
    const db = as(`${role}-of-${OWN}`);
    expect(await said(setDoc(doc(db, path), { id: 'y' }))).toBe('denied');
    expect(await said(setDoc(doc(db, `${parentOf(path)}/new1`), { id: 'y' }))).toBe('denied');
    expect(await said(deleteDoc(doc(db, path)))).toBe('denied');
  });
});

describe.each([
  ['not signed in', null],
  ['signed in without a tenant', 'nobody'],
])('%s', (_, uid) => {
  test.each(Object.entries(documentsOf(OWN)))('%s is closed', async (path, readers) => {
    expect(await said(getDoc(doc(as(uid), path)))).toBe('denied');
    expect(await said(setDoc(doc(as(uid), path), { id: 'y' }))).toBe('denied');
    expect(await said(getDoc(doc(as(`owner-of-${OWN}`), path)))).toBe(
      readers.length > 0 ? 'allowed' : 'denied',
    );
  });

  test('nobody makes himself a member', async () => {
    expect(
      await said(setDoc(doc(as(uid), paths.member(OWN, uid ?? 'anybody')), { role: 'owner', tenant: OWN })),
    ).toBe('denied');
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
  const listed = new Set(Object.keys(documentsOf(id)).map((path) => shapeOf(path)));
  const known = Object.entries(paths).map(([name, path]) => {
    if (typeof path === 'string') return path;
    // Each takes ids; more of them than it has parameters do no harm.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const build = path as (...ids: string[]) => string;
    // Those that do not begin with a collection are parts of a run.
    return build(id).startsWith(id)
      ? build(run, id)
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
