import { makeArtifactWriter, openArtifact } from '../../../../functions/recommender/artifact.ts';
import { basketProfile, buildHistory, profileOf, sizeOf } from '../../../../functions/recommender/data.ts';
import { inThread } from '../../../../functions/recommender/kernels/pool.ts';
import { seededRandom } from '../../../../functions/recommender/random.ts';
import { registry } from '../../../../functions/recommender/registry.ts';
import { train } from '../../../../functions/recommender/train.ts';
import { TrainingConfig } from '../../../../functions/core/training-config.ts';
import { catalogue, toInteractions, wholesaler } from '#tests/purchases';

const { popularity } = registry;
const context = { random: seededRandom(1), pool: inThread };

describe('popularity by segment', () => {
  // Six customers: three bakers, two smiths, one of whom nothing is known. The last smith bought nothing.
  const customers = {
    ...catalogue('c', 6),
    segments: ['baker', 'baker', 'baker', 'smith', null, 'smith'],
  };
  const { history } = buildHistory(
    toInteractions([
      [0, 0, 1],
      [1, 0, 2],
      [2, 1, 3],
      [3, 2, 4],
      [3, 1, 4],
      [4, 2, 5],
    ]),
    sizeOf(customers, catalogue('i', 4)),
  );
  const fit = () => popularity.fit(history, { halfLifeDays: null, segmentPrior: 2 }, context);
  const scores = (model: Awaited<ReturnType<typeof fit>>, customer: number) => {
    const into = new Float32Array(4).fill(NaN);
    model.score(customer < 0 ? basketProfile([0], history) : profileOf(history, customer), into);
    return [...into];
  };

  it('is the share within the segment, drawn to the share of all by the prior', async () => {
    const model = await fit();
    // Of 5 buyers in all 2 bought item 0, and 2 of 3 bakers: 5 · (2 + 2 · 2/5) / (3 + 2).
    const [first, second, third, fourth] = scores(model, 0);
    expect(first).toBeCloseTo(2.8, 5);
    expect(second).toBeCloseTo(5 * ((1 + 2 * (2 / 5)) / 5), 5);
    expect(third).toBeCloseTo(5 * ((0 + 2 * (2 / 5)) / 5), 5);
    expect(fourth).toBe(0);
    expect(scores(model, 3)[2]).toBeCloseTo(5 * ((1 + 2 * (2 / 5)) / 3), 5);
    // Who is of no known segment gets what all buy, and so does a basket.
    expect(scores(model, 4)).toEqual([2, 2, 2, 0]);
    expect(scores(model, -1)).toEqual([2, 2, 2, 0]);
  });

  it('is the same when read back; what was written without segments is all customers', async () => {
    const writer = makeArtifactWriter();
    const model = await fit();
    model.save(writer.scope('by segment'));
    (await popularity.fit(history, { halfLifeDays: null }, context)).save(writer.scope('overall'));
    const reader = openArtifact(writer.finish());
    const read = popularity.load(reader.scope('by segment'), 4);
    for (const customer of [0, 3, 4, 5, -1]) expect(scores(read, customer)).toEqual(scores(model, customer));
    expect(scores(popularity.load(reader.scope('overall'), 4), 0)).toEqual([2, 2, 2, 0]);
    const spoiled = makeArtifactWriter();
    spoiled.array('buyers', Float32Array.of(2, 2, 2, 0));
    spoiled.value('shape', { segments: 1 });
    spoiled.array('segments/base', Float32Array.of(1));
    spoiled.array('segments/indptr', Int32Array.of(0, 1));
    spoiled.array('segments/item', Int32Array.of(4));
    spoiled.array('segments/more', Float32Array.of(1));
    expect(() => popularity.load(openArtifact(spoiled.finish()), 4)).toThrow(/by segment, row 0, has 4/);
  });

  it('is tried where there are segments to tell apart', () => {
    const config = TrainingConfig.parse({ preset: 'quick', halfLifeDays: null });
    const size = { customers: 6, items: 4 };
    const plain = [{ halfLifeDays: null }];
    expect(popularity.trials(config, size)).toEqual(plain);
    expect(popularity.trials(config, { ...size, segments: ['all'] })).toEqual(plain);
    expect(popularity.trials(config, history)).toEqual([...plain, { halfLifeDays: null, segmentPrior: 10 }]);
  });

  it('is chosen where it does better, and held against popularity as such', async () => {
    const data = wholesaler({ days: 200 });
    const segments = data.customers.keys.map((_, c) => `trade ${c % 4}`);
    const only = {
      preset: 'quick' as const,
      algorithms: ['popularity' as const],
      slots: ['discover' as const],
    };
    const config = TrainingConfig.parse(only);
    const tell = (own: object) => train({ ...data, ...own, config, now: 0 });
    const { report, card, recommender } = await tell({ customers: { ...data.customers, segments } });
    const discover = report.slots.discover!;
    expect(discover.algorithm).toBe('popularity');
    expect(discover.options).toHaveProperty('segmentPrior');
    expect(card.gate.reasons.join()).toMatch(/discover: NDCG@10 \S+ beats popularity/);
    const list = recommender.recommend(recommender.profile(1), { slot: 'discover', k: 5 });
    expect(list.filter(({ item }) => item % 4 === 1).length).toBeGreaterThan(3);
    const without = (await tell({})).report.slots.discover!;
    expect(discover.baselines).toEqual(without.baselines);
    expect(discover.baselineOptions).toEqual(without.baselineOptions);
  });
});
