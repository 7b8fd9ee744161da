import { warmUp } from '../../../functions/deployments/warm-up.ts';

function counting(customers: number) {
  const asked: string[] = [];
  const recommender = {
    customers: { keys: Array.from({ length: customers }, (_, n) => `c${n}`), names: [] },
    profile: (customer: number) => customer,
    basket: () => 'stranger',
    recommend: (profile: unknown, { slot }: { slot: string }) => {
      asked.push(`${String(profile)} ${slot}`);
      return [];
    },
  };
  // A recorder of questions: what they are about is compared, not what is answered.
  return { asked, recommender: recommender as unknown as Parameters<typeof warmUp>[0] };
}

test('asks in every slot about customers spread over all', () => {
  const { asked, recommender } = counting(1000);
  expect(warmUp(recommender, () => 0)).toBe(100);
  expect(asked).toHaveLength(200);
  expect(asked.slice(0, 4)).toEqual(['0 reorder', '0 discover', '10 reorder', '10 discover']);
});

test('ends when it has taken long enough, with every slot asked at least once', () => {
  const { asked, recommender } = counting(1000);
  let now = 0;
  expect(warmUp(recommender, () => (now += 300))).toBe(1);
  expect(asked).toEqual(['0 reorder', '0 discover']);
});

test('a version without customers is asked as by strangers', () => {
  const { asked, recommender } = counting(0);
  expect(warmUp(recommender, () => 0)).toBe(1);
  expect(asked).toEqual(['stranger reorder', 'stranger discover']);
});
