import { discardDeadLetter, getDeadLetter, listDeadLetters, replayDeadLetter } from '#core/api/control-plane';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { discard, get, list, replay } from './letters.ts';

export const deploy = httpDeploy();

export const handler = serve('control-plane-api', ({ store }) => [
  route(listDeadLetters, ({ query }) => list(store, query)),
  route(getDeadLetter, ({ params }) => get(store, params.letter)),
  route(replayDeadLetter, ({ params, person }) => replay(store, params.letter, person().uid)),
  route(discardDeadLetter, ({ params, person }) => discard(store, params.letter, person().uid)),
]);
