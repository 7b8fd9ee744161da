import { randomBytes } from 'node:crypto';
import type { Write } from '#cloud/firestore';
import { paths } from '#core/paths';
import { listWatched } from '#store/exclusive';
import { openTestStore } from '#tests/store';

const store = openTestStore();
const kind = 'deployment';
const tenant = `t${randomBytes(6).toString('hex')}`;
const created: string[] = [];

async function watch(entries: readonly { path: string; data: object }[]): Promise<void> {
  for (let from = 0; from < entries.length; from += 400) {
    const writes = entries
      .slice(from, from + 400)
      .map(({ path, data }): Write => ({ kind: 'set', path: paths.watched(path), data: { ...data } }));
    await store.db.commit(writes);
  }
  created.push(...entries.map((one) => paths.watched(one.path)));
}
afterAll(async () => {
  for (let from = 0; from < created.length; from += 400)
    await store.db.commit(created.slice(from, from + 400).map((path): Write => ({ kind: 'delete', path })));
  await store.db.close();
});

test('the list goes beyond one page, and a record that cannot be read keeps no other from being looked after', async () => {
  const many = Array.from({ length: 1100 }, (_, n) => {
    const path = paths.deployment(tenant, 'm123', `d${String(n).padStart(5, '0')}`);
    return { path, data: { kind, path, tenant, model: 'm123', id: `d${n}` } };
  });
  const broken = paths.deployment(tenant, 'm123', 'd00000broken');
  await watch([...many, { path: broken, data: { kind, tenant } }]);

  const unreadable: string[] = [];
  const found = await listWatched(store, kind, (path) => unreadable.push(path));

  expect(found.filter((one) => one.tenant === tenant)).toHaveLength(1100);
  expect(unreadable).toEqual([paths.watched(broken)]);
});
