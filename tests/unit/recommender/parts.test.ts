import { CustomerParts } from '../../../functions/core/metrics.ts';
import { TrainingConfig } from '../../../functions/core/training-config.ts';
import { sizeOf } from '../../../functions/recommender/data.ts';
import { groupCustomers, measureParts } from '../../../functions/recommender/parts.ts';
import { makeCases, type Cases } from '../../../functions/recommender/split.ts';
import { train } from '../../../functions/recommender/train.ts';
import { catalogue, DAY, START, toInteractions, wholesaler, type Line } from '#tests/purchases';

/** Customers who each bought item 0 on so many days, then item 1 in the window. */
function casesOf(days: readonly number[], segments?: readonly (string | null)[]): Cases {
  const lines = days.flatMap((count, customer): Line[] => [
    ...Array.from({ length: count }, (_, day): Line => [customer, 0, day]),
    [customer, 1, 0],
    [customer, 1, 50],
  ]);
  const customers = { ...catalogue('c', days.length), ...(segments ? { segments } : {}) };
  return makeCases(toInteractions(lines), sizeOf(customers, catalogue('i', 2)), START + 40 * DAY, Infinity);
}

describe('the parts of the customers', () => {
  it('are their segments, the largest first, and those of no known segment', () => {
    const cases = casesOf([1, 1, 1, 1, 1, 1], ['b', 'a', 'b', null, 'c', 'a']);
    // The last customer has no target.
    expect(groupCustomers(cases, (n) => n < 5)).toEqual({
      by: 'segment',
      groups: [
        { kind: 'segment', name: 'b', cases: [0, 2] },
        { kind: 'segment', name: 'a', cases: [1] },
        { kind: 'segment', name: 'c', cases: [4] },
        { kind: 'unknown', name: null, cases: [3] },
      ],
    });
  });

  it('stay few: the smallest segments are told together, and long names are cut', () => {
    const long = '𝕊'.repeat(500);
    const names = [...Array.from({ length: 30 }, (_, n) => `s${String(n).padStart(2, '0')}`), long, long];
    const { groups } = groupCustomers(
      casesOf(
        names.map(() => 1),
        names,
      ),
      () => true,
    );
    expect(groups).toHaveLength(21);
    expect(groups[0]).toEqual({ kind: 'segment', name: `${'𝕊'.repeat(99)}…`, cases: [30, 31] });
    expect(groups[20]).toEqual({
      kind: 'others',
      name: null,
      cases: [19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29],
    });
  });

  it('are thirds by what they had bought where nothing is known of segments; equals stay together', () => {
    const { by, groups } = groupCustomers(casesOf([9, 1, 4, 2, 5, 12]), () => true);
    expect(by).toBe('activity');
    expect(groups).toEqual([
      { kind: 'light', name: null, purchases: { least: 2, most: 3 }, cases: [1, 3] },
      { kind: 'middle', name: null, purchases: { least: 5, most: 6 }, cases: [2, 4] },
      { kind: 'heavy', name: null, purchases: { least: 10, most: 13 }, cases: [0, 5] },
    ]);
    expect(groupCustomers(casesOf([3, 3, 3, 3]), () => true).groups).toEqual([
      { kind: 'light', name: null, purchases: { least: 4, most: 4 }, cases: [0, 1, 2, 3] },
    ]);
    expect(groupCustomers(casesOf([3]), () => false).groups).toEqual([]);
  });

  it('are measured beside the baseline; of few customers nothing is told', () => {
    const segments = Array.from({ length: 50 }, (_, n) => (n < 30 ? 'many' : 'few'));
    const cases = casesOf(
      segments.map(() => 1),
      segments,
    );
    const all = (value: number) => new Float32Array(50).fill(value);
    const ours = { figures: all(0.5).fill(1, 0, 15), recalls: all(0.25) };
    const found = measureParts(cases, ours, { figures: all(0.5), recalls: all(0.125) }, 1);
    const [many, few] = CustomerParts.parse(found).parts;
    expect(many).toMatchObject({ name: 'many', customers: 30, baseline: { ndcg10: 0.5, recall10: 0.125 } });
    expect(many!.model).toEqual({ ndcg10: 0.75, recall10: 0.25 });
    expect(many!.lead!.mean).toBeCloseTo(0.25, 6);
    expect(many!.lead!.low).toBeGreaterThan(0.1);
    const told = { model: null, baseline: null, lead: null };
    expect(few).toEqual({ kind: 'segment', name: 'few', customers: 20, ...told });
  });

  it('are in the report and add up to it', async () => {
    const data = wholesaler({ days: 150 });
    const segments = data.customers.keys.map((_, c) => (c % 4 === 3 ? null : `trade ${c % 2}`));
    const config = TrainingConfig.parse({
      preset: 'quick',
      algorithms: ['popularity', 'personal-frequency'],
    });
    const measured = async (own: object) => (await train({ ...data, ...own, config, now: 0 })).report.slots;
    const slots = await measured({ customers: { ...data.customers, segments } });
    for (const { customersBy, customers, model } of [slots.reorder!, slots.discover!]) {
      expect(customersBy!.by).toBe('segment');
      const { parts } = customersBy!;
      expect(parts.reduce((sum, part) => sum + part.customers, 0)).toBe(customers);
      if (parts.every((part) => part.model !== null))
        expect(
          parts.reduce((sum, part) => sum + part.customers * part.model!.ndcg10, 0) / customers,
        ).toBeCloseTo(model.ndcg10, 5);
    }
    expect((await measured({})).reorder!.customersBy).toMatchObject({ by: 'activity' });
  });
});
