import { makeClient } from '#core/api/client';
import { idToken } from './accounts.ts';

const options = {
  token: idToken,
  fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, init),
};

/** Calls any contract of the API as the signed-in person; who opens many pages at once waits a little for the last. */
export const api = makeClient({ ...options, baseUrl: '', patience: 10 });

/** Calls the recommender service of a deployment. */
export function recommenderAt(url: string): typeof api {
  return makeClient({ ...options, baseUrl: url.replace(/\/$/, '') });
}
