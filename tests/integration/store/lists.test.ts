import { readPage } from '#store/document';
import { purgeDeleted } from '#store/resource';
import { freshTenant, openTestStore } from '#tests/store';
import { z } from 'zod';

const store = openTestStore();
afterAll(() => store.db.close());

const Thing = z.object({ id: z.string(), createdAt: z.string() });
const things = async (collection: string, n: number) => {
  const ids = Array.from({ length: n }, (_, index) => `d${String(index).padStart(3, '0')}`);
  await store.db.commit(
    ids.map((id, index) => ({
      kind: 'create' as const,
      path: `${collection}/${id}`,
      data: { id, createdAt: new Date(index).toISOString(), deletedAt: new Date(index).toISOString() },
    })),
  );
  return ids;
};

test('a list in the order of paths goes on after what is there no more', async () => {
  const collection = `tenants/${freshTenant()}/things`;
  const ids = await things(collection, 3);
  await store.db.commit([{ kind: 'delete', path: `${collection}/d001` }]);
  const rest = await store.db.list(collection, { after: `${collection}/d001` });
  expect(rest.map(({ id }) => id)).toEqual(ids.slice(2));
  const group = await store.db.list(collection, {
    where: [['id', '==', 'd002']],
    after: `${collection}/d001`,
  });
  expect(group).toHaveLength(1);
});

test('a page after what is gone, in the order of a field, says so rather than look like the end', async () => {
  const collection = `tenants/${freshTenant()}/things`;
  await things(collection, 3);
  const page = { limit: 2, order: 'asc' as const };
  const { next } = await readPage(store, collection, Thing, page);
  await store.db.commit([{ kind: 'delete', path: `${collection}/${next}` }]);
  await expect(readPage(store, collection, Thing, { ...page, after: next ?? '' })).rejects.toMatchObject({
    code: 'cursor-gone',
    message: 'The list cannot go on after "d001": that is not there any more.',
  });
});

test('what cannot be purged yet stands before nothing that can', async () => {
  const group = `things-${freshTenant()}`;
  const collection = `tenants/${freshTenant()}/${group}`;
  const ids = await things(collection, 130);
  const purged: string[] = [];
  const purge = () =>
    purgeDeleted(store, group, async ({ id, path }) => {
      // Every third can be removed, one of the others fails each time.
      if (Number(id.slice(1)) % 3 !== 0) return id === 'd001' ? Promise.reject(new Error('away')) : false;
      await store.db.commit([{ kind: 'delete', path }]);
      purged.push(id);
      return true;
    });
  await expect(purge()).rejects.toThrow('away');
  expect(purged).toEqual(ids.filter((_, index) => index % 3 === 0));
});
