import type { AnyAlgorithm } from '../../functions/recommender/registry.ts';
import { makeArtifactWriter, openArtifact } from '../../functions/recommender/artifact.ts';
import { basketProfile, buildHistory, profileOf, type History } from '../../functions/recommender/data.ts';
import { inThread, withPool } from '../../functions/recommender/kernels/pool.ts';
import { seededRandom } from '../../functions/recommender/random.ts';
import { TrainingConfig } from '../../functions/core/training-config.ts';
import { checkerboard, toInteractions, wholesaler } from '#tests/purchases';

const config = TrainingConfig.parse({ preset: 'quick' });
const size = { customers: 120, items: 60 };

function wholesalerHistory(): History {
  const { interactions } = wholesaler(size);
  return buildHistory(interactions, size).history;
}

/**
 * What every algorithm of the registry promises (algorithm.ts), whatever it computes. `personal`: its scores depend on the
 * profile.
 */
export function testAlgorithm(algorithm: AnyAlgorithm, { personal }: { personal: boolean }): void {
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

  it('scores many profiles together as each alone, where it can', async () => {
    const model = await fit();
    if (!model.scoreMany) return;
    // One more than are scored at a time, an empty one among them.
    const profiles = Array.from({ length: 65 }, (_, c) =>
      c === 2 ? basketProfile([], history) : profileOf(history, c),
    );
    const rows = new Float32Array(65 * history.items).fill(NaN);
    model.scoreMany(profiles, rows);
    const alone = new Float32Array(history.items);
    profiles.forEach((profile, n) => {
      model.score(profile, alone);
      const largest = alone.reduce((most, score) => Math.max(most, Math.abs(score)), 0);
      for (let item = 0; item < history.items; item++)
        expect(Math.abs(rows[n * history.items + item]! - alone[item]!)).toBeLessThanOrEqual(1e-5 * largest);
    });
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
    const context = () => ({ random: seededRandom(1), pool: inThread });
    const half = algorithm.reduced?.(options, 0.5);
    if (half !== undefined && algorithm.refit !== undefined) {
      const begun = await algorithm.fit(history, half, context());
      const ended = await algorithm.refit(begun, half, options, history, context());
      expect(scoresOf(ended!, 4)).toEqual(scoresOf(first, 4));
    }
    for (const trial of trials.slice(1)) {
      const other = algorithm.options.parse(trial);
      const again = (await algorithm.refit?.(first, options, other, history, context())) ?? null;
      if (again === null) continue;
      const fresh = await algorithm.fit(history, other, { random: seededRandom(1), pool: inThread });
      expect(scoresOf(again, 4)).toEqual(scoresOf(fresh, 4));
    }
  });

  /** Two communities of ten: whoever buys of one colour, and all of it but one item. */
  const board = buildHistory(toInteractions(checkerboard(20)), { customers: 20, items: 20 }).history;
  const boardOptions = algorithm.options.parse(
    algorithm.trials(config, { customers: 20, items: 20 })[0] ?? {},
  );
  const boardModel = () => algorithm.fit(board, boardOptions, { random: seededRandom(1), pool: inThread });
  const highest = (scores: Float32Array, among: (item: number) => boolean) =>
    scores.reduce(
      (best, score, item) => (among(item) && score > scores[best]! ? item : best),
      scores.findIndex((_, item) => among(item)),
    );

  it(`knows the checkerboard: ${personal ? 'a customer’s colour decides' : 'everybody is told the same'}`, async () => {
    const model = await boardModel();
    const scores = new Float32Array(20);
    for (let customer = 0; customer < 20; customer++) {
      const profile = profileOf(board, customer);
      const bought = new Set(profile.items);
      model.score(profile, scores);
      if (!personal) expect(new Set(scores).size).toBe(1);
      // What answers re-orders only has nothing to say of an item never bought; all bought ones come before the others.
      else if (algorithm.slots.includes('discover'))
        expect(highest(scores, (item) => !bought.has(item))).toBe(customer);
      else expect(highest(scores, () => true) % 2).toBe(customer % 2);
    }
  });

  it('offers vectors, contributions and likeness only by their rules', async () => {
    const model = await fit();
    const profile = profileOf(history, 7);
    const scores = new Float32Array(history.items);
    model.score(profile, scores);
    const largest = scores.reduce((most, score) => Math.max(most, Math.abs(score)), 0);
    const agree = (value: number, item: number) =>
      expect(Math.abs(value - scores[item]!)).toBeLessThanOrEqual(1e-4 * largest);
    if (model.vectors) {
      const { d, factors } = model.vectors;
      const folded = model.vectors.query(profile);
      for (let item = 0; item < history.items; item++)
        agree(
          folded.reduce((sum, value, k) => sum + value * factors[item * d + k]!, 0),
          item,
        );
    }
    for (const item of [0, 7, 31]) {
      const parts = model.contributions?.(profile, item);
      if (parts)
        agree(
          parts.reduce((sum, part) => sum + part, 0),
          item,
        );
      expect(parts?.length ?? profile.items.length).toBe(profile.items.length);
    }
    if (!model.similar) return;
    const onBoard = await boardModel();
    const alike = new Float32Array(20).fill(NaN);
    onBoard.similar?.(4, alike);
    expect([...alike].every(Number.isFinite)).toBe(true);
    expect(alike[4]).toBe(0);
    expect(highest(alike, () => true) % 2).toBe(0);
  });
}
