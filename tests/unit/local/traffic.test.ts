import { chooseRevision, resolveTraffic, servingRevisions } from '#scripts/local/control-plane/traffic';

const revisions = ['one', 'two'].map((id) => ({ name: `projects/p/locations/l/services/s/revisions/${id}` }));
const address = (tag: string): string => `http://front/${tag}---s`;

test('without targets everything goes to the latest ready revision, once there is one', () => {
  expect(resolveTraffic([], revisions, 'two', address)).toMatchObject([{ revision: 'two', percent: 100 }]);
  expect(resolveTraffic(null, revisions, null, address)).toEqual([]);
});

test('a tag gives a revision an address and keeps it up without traffic', () => {
  const statuses = resolveTraffic(
    [{ percent: 100 }, { revision: 'two', tag: 'next' }],
    revisions,
    'one',
    address,
  );
  expect(statuses[1]).toMatchObject({
    revision: 'two',
    percent: 0,
    tag: 'next',
    uri: 'http://front/next---s',
  });
  expect(servingRevisions(statuses)).toEqual(new Set(['one', 'two']));
});

test('a revision with neither share nor tag needs no instance', () => {
  const statuses = resolveTraffic(
    [
      { revision: 'one', percent: 100 },
      { revision: 'two', percent: 0 },
    ],
    revisions,
    'two',
    address,
  );
  expect(servingRevisions(statuses)).toEqual(new Set(['one']));
});

test.each([
  [[{ percent: 40 }], 'the percentages come to 40, not to 100'],
  [[{ revision: 'three', percent: 100 }], "the revision 'three' does not exist; there are one, two"],
  [
    [
      { percent: 100, tag: 'a' },
      { revision: 'one', tag: 'a' },
    ],
    "the tag 'a' is used twice",
  ],
])('%j is refused', (targets, why) => {
  expect(() => resolveTraffic(targets, revisions, 'two', address)).toThrow(why);
});

test('shares are kept: of 100 evenly spread draws, as many as its percentage go to a revision', () => {
  const statuses = [
    { revision: 'one', percent: 70 },
    { revision: 'two', percent: 30 },
    { revision: 'three', percent: 0, tag: 'next' },
  ];
  const drawn = Array.from({ length: 100 }, (_, index) =>
    chooseRevision(statuses, null, (index + 0.5) / 100),
  );
  expect(drawn.filter((revision) => revision === 'one')).toHaveLength(70);
  expect(drawn.filter((revision) => revision === 'two')).toHaveLength(30);
  expect(chooseRevision(statuses, 'next', 0)).toBe('three');
  expect(chooseRevision(statuses, 'unknown', 0)).toBeNull();
  expect(chooseRevision([], null, 0.5)).toBeNull();
});
