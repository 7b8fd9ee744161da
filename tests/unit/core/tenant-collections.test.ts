import { paths } from '#core/paths';
import { CARRIED, carriedAs, LEFT_OUT } from '#core/tenant-collections';

/** Every path of a tenant's own documents, its ids as stars: what core/paths.ts knows. */
function known(): string[] {
  const all = Object.values(paths).flatMap((path) =>
    typeof path === 'string' ? [] : [String(Reflect.apply(path, null, ['*', '*', '*', '*', '*']))],
  );
  return all
    .filter((path) => path.startsWith('tenants/*/'))
    .map((path) => path.slice('tenants/*/'.length))
    .filter((path) => path.split('/').length % 2 === 0)
    .map((path) => path.replaceAll(/(NaN|b00000\*\w*|b0*\*|\*-waiting)/g, '*'));
}

test('every collection of a tenant is either carried by an export or left out on purpose', () => {
  const decided = new Set([...CARRIED.map(({ path }) => path), ...LEFT_OUT]);
  expect(known().filter((path) => !decided.has(path))).toEqual([]);
  expect(known().length).toBeGreaterThan(20);
});

test('a path is carried by its form alone', () => {
  expect(carriedAs('models/m1/sources/s1')?.path).toBe('models/*/sources/*');
  for (const path of ['models', 'sealed/key~t1', 'models/m1/locks/etl', 'models/m1/sources/s1/tables'])
    expect(carriedAs(path)).toBeNull();
});

test('what belongs to another comes after it', () => {
  const order = CARRIED.map(({ path }) => path);
  const early = order.filter((path, index) => {
    const parent = path.split('/').slice(0, -2).join('/');
    return order.indexOf(parent) > index;
  });
  expect(early).toEqual([]);
});
