import { checkVerification } from '../../functions/core/api/verify.ts';
import type { Prediction } from '../../functions/deployments/prediction-log.ts';
import { recommenderRoutes } from '../../functions/deployments/recommender-routes.ts';
import type { Recommender } from '../../functions/recommender/recommend.ts';
import { answer, type Gate } from '../../functions/runtime/answer.ts';

/** The moment at which the service is asked. */
export const NOW = Date.UTC(2025, 10, 1);
/** By which its verifier signs. */
export const VERIFY_KEY = new Uint8Array(32).fill(7);
/** What the service has logged: tests empty them. */
export const logged: Prediction[] = [];
export const outcomes: { recommendationId: string; outcome: string; actor: string }[] = [];

/** Asks a recommender service as a member of its tenant would, over everything but the socket. */
export async function askRecommender(
  recommender: Recommender,
  path: string,
  body: object,
  token = 'a-token',
) {
  const around = {
    env: { TRADEWIND_VERSION: 'v1234', TRADEWIND_DEPLOYMENT: 'd1234' },
    // Only the clock and randomness of the store are used here.
    store: { clock: () => NOW, random: (n: number) => new Uint8Array(n) } as never,
    predictions: { add: (one: Prediction) => void logged.push(one), close: () => Promise.resolve() },
    feedback: {
      add: (
        feedback: { recommendationId: string; outcomes: readonly { outcome: string }[] },
        actor: string,
      ) => {
        for (const { outcome } of feedback.outcomes)
          outcomes.push({ recommendationId: feedback.recommendationId, outcome, actor });
        return feedback.outcomes.length;
      },
      close: () => Promise.resolve(),
    },
  };
  const gate: Gate = {
    identities: { verify: () => Promise.resolve({ uid: 'u1', email: null }) },
    membership: () => Promise.resolve({ tenant: { status: 'active' } as never, role: 'viewer' }),
    tenant: 't1234',
    verifier: (given, bytes) => checkVerification(VERIFY_KEY, 'd1234', given, bytes, NOW),
    onFailure: (error) => {
      throw error;
    },
    makeRequestId: () => 'request-1',
  };
  const result = await answer(recommenderRoutes(recommender, around), gate, {
    method: 'POST',
    url: path,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: Buffer.from(JSON.stringify(body)),
  });
  return { status: result.status, body: JSON.parse(result.body) };
}
