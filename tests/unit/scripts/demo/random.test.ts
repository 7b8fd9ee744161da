import { makeRandom } from '#scripts/demo/random';

const draw = (seed: number, name: string): number[] => {
  const random = makeRandom(seed, name);
  return Array.from({ length: 5 }, () => random.next());
};

test('the same seed and name give the same numbers, another seed or name others', () => {
  expect(draw(1, 'a')).toEqual(draw(1, 'a'));
  expect(draw(1, 'a')).not.toEqual(draw(2, 'a'));
  expect(draw(1, 'a')).not.toEqual(draw(1, 'b'));
});

test('numbers are even, whole numbers keep their range, normals have mean 0 and deviation 1', () => {
  const random = makeRandom(7, 'figures');
  const many = <T>(make: () => T): T[] => Array.from({ length: 20_000 }, make);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(mean(many(() => random.next()))).toBeCloseTo(0.5, 1);
  expect(new Set(many(() => random.int(2, 5)))).toEqual(new Set([2, 3, 4, 5]));
  const normals = many(() => random.normal());
  expect(mean(normals)).toBeCloseTo(0, 1);
  expect(mean(normals.map((value) => value ** 2))).toBeCloseTo(1, 1);
});

test('weights decide how often, samples never repeat, nothing to pick from is an error', () => {
  const random = makeRandom(7, 'picks');
  const picks = Array.from({ length: 4000 }, () =>
    random.pickWeighted([
      ['a', 3],
      ['b', 1],
      ['c', 0],
    ] as const),
  );
  expect(picks.filter((pick) => pick === 'a').length / 4000).toBeCloseTo(0.75, 1);
  expect(picks).not.toContain('c');
  expect(new Set(random.sample([1, 2, 3, 4], 3)).size).toBe(3);
  expect(new Set(random.sample([1, 2], 5))).toEqual(new Set([1, 2]));
  expect(() => random.pick([])).toThrow('nothing at 0 of 0');
});
