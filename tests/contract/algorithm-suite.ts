import type { AnyAlgorithm } from '../../functions/recommender/registry.ts';
import { makeArtifactWriter, openArtifact } from '../../functions/recommender/artifact.ts';
import { basketProfile, buildHistory, profileOf, type History } from '../../functions/recommender/data.ts';
import { inThread, withPool } from '../../functions/recommender/kernels/pool.ts';
import { seededRandom } from '../../functions/recommender/random.ts';
import { TrainingConfig } from '../../functions/core/training-config.ts';
import { wholesaler } from '#tests/purchases';

const config = TrainingConfig.parse({ preset: 'quick' });
const size = { customers: 120, items: 60 };

function wholesalerHistory(): History {
  const { interactions } = wholesaler(size);
  return buildHistory(interactions, size).history;
}

/** What every algorithm of the registry promises (algorithm.ts), whatever it computes. */
export function testAlgorithm(algorithm: AnyAlgorithm): void {
  const history = wholesalerHistory();
  const trials = algorithm.trials(config, size);
  const options = algorithm.options.parse(trials[0] ?? {});
  const fit = (seed = 1) => algorithm.fit(history, options, { random: seededRandom(seed), pool: inThread });
  const scoresOf = (model: Awaited<ReturnType<typeof fit>>, customer: number) => {
    const scores = new Float32Array(history.items);
    model.score(profileOf(history, customer), scores);
    return [...scores];
  };

  it('declares options whose defaults are valid, and refuses a key it does not know', () => {
    expect(() => algorithm.options.parse({})).not.toThrow();
    expect(() => algorithm.options.parse({ nonsense: 1 })).toThrow(/nonsense/);
  });

  it('offers at least one trial, all of them valid and different', () => {
    expect(trials.length).toBeGreaterThan(0);
    const parsed = trials.map((trial) => JSON.stringify(algorithm.options.parse(trial)));
    expect(new Set(parsed).size).toBe(parsed.length);
  });

  it('scores every item with a finite number, overwriting what was there', async () => {
    const model = await fit();
    const scores = new Float32Array(history.items).fill(NaN);
    model.score(profileOf(history, 3), scores);
    expect([...scores].every(Number.isFinite)).toBe(true);
    expect([...scores].some((score) => score > 0)).toBe(true);
  });

  it('gives one profile the same scores alone as among others', async () => {
    const model = await fit();
    const alone = scoresOf(await fit(), 5);
    for (let customer = 0; customer < 5; customer++) scoresOf(model, customer);
    expect(scoresOf(model, 5)).toEqual(alone);
  });

  it('gives the same model for the same seed', async () => {
    expect(scoresOf(await fit(3), 8)).toEqual(scoresOf(await fit(3), 8));
  });

  it('gives the same model on two threads as on one', async () => {
    const threaded = await withPool(2, (pool) =>
      algorithm.fit(history, options, { random: seededRandom(1), pool }),
    );
    expect(scoresOf(threaded, 11)).toEqual(scoresOf(await fit(), 11));
  });

  it('scores the same after being saved and loaded', async () => {
    const model = await fit();
    const writer = makeArtifactWriter();
    model.save(writer.scope('models/0'));
    const loaded = algorithm.load(openArtifact(writer.finish()).scope('models/0'), size.items);
    for (const customer of [0, 1, 50, 119])
      expect(scoresOf(loaded, customer)).toEqual(scoresOf(model, customer));
  });

  it('answers an empty basket without failing', async () => {
    const scores = new Float32Array(history.items);
    (await fit()).score(basketProfile([], history), scores);
    expect([...scores].every(Number.isFinite)).toBe(true);
  });

  it('refits only to what a fresh fit would give', async () => {
    const first = await fit();
    for (const trial of trials.slice(1)) {
      const other = algorithm.options.parse(trial);
      const again = algorithm.refit?.(first, options, other) ?? null;
      if (again === null) continue;
      const fresh = await algorithm.fit(history, other, { random: seededRandom(1), pool: inThread });
      expect(scoresOf(again, 4)).toEqual(scoresOf(fresh, 4));
    }
  });
}
