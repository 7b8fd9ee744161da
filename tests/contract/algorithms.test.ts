import { ALGORITHMS } from '../../functions/core/slot.ts';
import { algorithmNamed } from '../../functions/recommender/registry.ts';
import { testAlgorithm } from './algorithm-suite.ts';

describe.each(ALGORITHMS)('%s', (name) => {
  testAlgorithm(algorithmNamed(name), { personal: name !== 'popularity' });
});
