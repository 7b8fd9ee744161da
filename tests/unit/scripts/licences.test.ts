import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '#scripts/deployables';
import { judgeLicences, mayShip, productionPackages, toSbom } from '#scripts/licences/packages';

const locked = () =>
  productionPackages(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'), (path) => {
    try {
      return readFileSync(join(ROOT, path, 'package.json'), 'utf8');
    } catch {
      return null;
    }
  });

test('every production package has a licence under which it may be shipped', () => {
  const packages = locked();
  expect(packages.length).toBeGreaterThan(100);
  expect(judgeLicences(packages).map(({ name, licence }) => `${name}: ${licence}`)).toEqual([]);
});

test.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0)', true],
  ['Apache-2.0 AND MIT', true],
  ['MIT AND GPL-3.0', false],
  ['AGPL-3.0-only', false],
  ['SEE LICENSE IN LICENSE.md', false],
  ['UNKNOWN', false],
])('%s may be shipped: %s', (expression, may) => {
  expect(mayShip(expression)).toBe(may);
});

test('the bill of materials names each package once, by its purl and hash', () => {
  const { components } = toSbom(locked());
  const names = components.map(({ purl }) => purl);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('pkg:npm/%40google-cloud/firestore@9.4.1');
  expect(components.filter(({ hashes = [] }) => hashes.length === 0)).toEqual([]);
});

test('exact versions alone are asked for, and every archive is pinned by its hash', () => {
  const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const { dependencies, devDependencies } = Object(manifest);
  const asked = Object.entries({ ...dependencies, ...devDependencies });
  expect(asked.filter(([, version]) => !/^\d+\.\d+\.\d+[\w.-]*$/.test(String(version)))).toEqual([]);
});
