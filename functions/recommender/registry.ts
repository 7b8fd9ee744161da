import { TerminalError } from '#core/errors';
import { ALGORITHMS, type AlgorithmName } from '#core/slot';
import type { Algorithm } from './algorithm.ts';
import { blendOf } from './algorithms/blend.ts';
import { ease } from './algorithms/ease.ts';
import { graphFilter } from './algorithms/graph-filter.ts';
import { ials } from './algorithms/ials.ts';
import { itemNeighbours } from './algorithms/item-neighbours.ts';
import { personalFrequency } from './algorithms/personal-frequency.ts';
import { popularity } from './algorithms/popularity.ts';
import { purchaseRhythm } from './algorithms/purchase-rhythm.ts';
import { tifuKnn } from './algorithms/tifu-knn.ts';
import { twoTower } from './algorithms/two-tower.ts';

/** Any algorithm, its options a record that its own schema has checked. */
export type AnyAlgorithm = Algorithm<Record<string, unknown>>;

/** The only list of algorithms: adding one is a file, a line here and its name in core/slot.ts. */
const singles: Readonly<Record<Exclude<AlgorithmName, 'blend'>, AnyAlgorithm>> = {
  popularity,
  'personal-frequency': personalFrequency,
  'purchase-rhythm': purchaseRhythm,
  'tifu-knn': tifuKnn,
  'item-neighbours': itemNeighbours,
  ials,
  'two-tower': twoTower,
  ease,
  'graph-filter': graphFilter,
};

/** All of them, and what can be mixed of them. */
export const registry: Readonly<Record<AlgorithmName, AnyAlgorithm>> = {
  ...singles,
  blend: blendOf(singles),
};

/** The algorithm called `name`; TerminalError `unknown-algorithm` where there is none. */
export function algorithmNamed(name: string): AnyAlgorithm {
  const found = ALGORITHMS.find((known) => known === name);
  if (found === undefined)
    throw new TerminalError('unknown-algorithm', `There is no algorithm "${name}".`, {
      remedy: `Choose one of ${ALGORITHMS.join(', ')}.`,
    });
  return registry[found];
}
