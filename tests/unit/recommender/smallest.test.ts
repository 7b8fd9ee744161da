import { seededRandom } from '../../../functions/recommender/random.ts';
import { makeSmallest } from '../../../functions/recommender/smallest.ts';

it('keeps what a sort would put first, of equals the smaller id, and begins anew', () => {
  const random = seededRandom(1);
  const smallest = makeSmallest(20);
  for (const length of [0, 1, 19, 20, 21, 500]) {
    // Few values, so that many are equal.
    const offered = Array.from({ length }, (_, id) => ({ id, value: Math.floor(random() * 40) }));
    for (const { id, value } of offered.toSorted(() => random() - 0.5)) smallest.offer(id, value);
    const sorted = offered.toSorted((a, b) => a.value - b.value || a.id - b.id);
    expect(smallest.take()).toEqual(sorted.slice(0, 20).map(({ id }) => id));
  }
});
