/*
 * Served list = offline list: before a revision takes traffic it is asked, at its own address, for the lists that the
 * trainer computed from the same artifact. They must agree item by item, in order.
 */
import type { z } from 'zod';
import { invokerHeaders } from '#cloud/auth';
import { Problem } from '#core/api/contract';
import { health } from '#core/api/recommend';
import { signVerification, verifyLists } from '#core/api/verify';
import { TerminalError, toError, TransientError } from '#core/errors';
import type { OfflineList, OfflineLists } from '#core/training-result';

export interface Candidate {
  /** Where the revision answers, whatever the traffic. */
  readonly url: string;
  readonly deployment: string;
  readonly version: string;
  readonly key: Uint8Array;
}

/**
 * Compares the lists of `customers` customers, spread over all of `offline`.
 * @returns how many lists were compared.
 * @throws TerminalError `smoke-test-failed` naming the first difference; TransientError where the revision does not answer.
 */
export async function smokeTest(
  candidate: Candidate,
  offline: OfflineLists,
  customers: number,
  clock: () => number,
): Promise<number> {
  const wanted = pickLists(offline, customers);
  if (wanted.length === 0)
    throw failed(
      'The version has no offline lists to compare with.',
      'Train again; the version is incomplete.',
    );
  const served = await ask(candidate, wanted, clock);
  if (served.version !== candidate.version)
    throw failed(
      `The revision serves version ${served.version}, not ${candidate.version}.`,
      'Deploy the version again.',
    );
  const difference = compareLists(wanted, served.lists);
  if (difference !== null)
    throw failed(difference, 'Train again with this release, or deploy the release that made the version.');
  return wanted.length;
}

/** The lists of `count` customers, evenly spread over the order they are in; all slots of each. */
export function pickLists(offline: OfflineLists, count: number): OfflineLists {
  const customers = [...new Set(offline.map((list) => list.customer))];
  const step = Math.max(1, customers.length / count);
  const picked = new Set<string>();
  for (let at = 0; at < customers.length && picked.size < count; at += step) {
    const customer = customers[Math.floor(at)];
    if (customer !== undefined) picked.add(customer);
  }
  return offline.filter((list) => picked.has(list.customer));
}

/** The first difference as a sentence, or null where all lists agree in items and order. */
export function compareLists(offline: OfflineLists, served: readonly OfflineList[]): string | null {
  for (const [index, expected] of offline.entries()) {
    const actual = served[index];
    const of = `the ${expected.slot} list of customer ${expected.customer}`;
    if (actual?.customer !== expected.customer || actual.slot !== expected.slot)
      return `The revision did not answer ${of}.`;
    const length = Math.max(expected.items.length, actual.items.length);
    for (let place = 0; place < length; place++) {
      const [ours, theirs] = [actual.items[place] ?? 'nothing', expected.items[place] ?? 'nothing'];
      if (ours !== theirs)
        return `In ${of}, place ${place + 1} is ${ours} as served and ${theirs} as computed in training.`;
    }
  }
  return null;
}

/** How long one answer may take; the lists of many customers are computed in it. */
const ANSWER_SECONDS = 20;
/** Questions asked at the same time to warm a revision up. */
const AT_ONCE = 4;

/**
 * Asks `questions` questions one by one, a few at a time, so that the first customer meets a revision that has its model at
 * hand and its code compiled. @returns how many were asked.
 * @throws as `smokeTest`
 */
export async function warmUp(
  candidate: Candidate,
  offline: OfflineLists,
  questions: number,
  clock: () => number,
): Promise<number> {
  const lists = pickLists(offline, questions);
  if (lists.length === 0) return 0;
  let asked = 0;
  const askOn = async () => {
    while (asked < questions) {
      const list = lists[asked++ % lists.length];
      if (list !== undefined) await ask(candidate, [list], clock);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askOn));
  return questions;
}

/**
 * Warms up a revision that has answered customers before. It may refuse the verifier, whose key another has replaced since
 * the revision was made: then it answers cold, which is no reason not to go back to it.
 * @returns how many questions were asked; 0 where it refused.
 */
export async function warmUpAgain(...given: Parameters<typeof warmUp>): Promise<number> {
  try {
    return await warmUp(...given);
  } catch (thrown) {
    if (thrown instanceof TerminalError) return 0;
    throw thrown;
  }
}

/** @throws TerminalError where the revision serves another version; TransientError where it does not say that it is well. */
export async function askHealth(candidate: Candidate): Promise<void> {
  const response = await reach(candidate, health.path, { method: health.method });
  const text = await response.text();
  if (!response.ok)
    throw new TransientError(
      'revision-silent',
      `The revision answered ${response.status} when asked how it is: ${text.slice(0, 300)}`,
      { remedy: 'See the last lines of its log.' },
    );
  const { version } = health.answer.parse(parseJson(text));
  if (version !== candidate.version)
    throw failed(
      `The revision serves version ${version}, not ${candidate.version}.`,
      'Deploy the version again.',
    );
}

async function ask(
  candidate: Candidate,
  wanted: OfflineLists,
  clock: () => number,
): Promise<z.output<typeof verifyLists.answer>> {
  const body = new TextEncoder().encode(
    JSON.stringify({ lists: wanted.map(({ customer, slot }) => ({ customer, slot })) }),
  );
  const token = await signVerification(candidate.key, candidate.deployment, clock() + 60_000, body);
  const response = await reach(candidate, verifyLists.path, {
    method: verifyLists.method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body,
  });
  const text = await response.text();
  if (response.ok) return verifyLists.answer.parse(JSON.parse(text));
  const problem = Problem.safeParse(parseJson(text));
  const detail = problem.success ? problem.data.detail : text.slice(0, 300);
  const message = `The new revision answered ${response.status} to the smoke test: ${detail}`;
  if (response.status >= 500 || response.status === 429)
    throw new TransientError('revision-failing', message);
  throw failed(message, 'See the last lines of its log.');
}

/** @throws TransientError `revision-silent` where nothing answers. */
async function reach(
  candidate: Candidate,
  path: string,
  request: { method: string; headers?: Readonly<Record<string, string>>; body?: Uint8Array<ArrayBuffer> },
): Promise<Response> {
  const url = candidate.url.replace(/\/$/, '') + path;
  try {
    return await fetch(url, {
      ...request,
      headers: { ...request.headers, ...(await invokerHeaders(url)) },
      signal: AbortSignal.timeout(ANSWER_SECONDS * 1000),
    });
  } catch (error) {
    throw new TransientError(
      'revision-silent',
      `The new revision does not answer: ${toError(error).message}.`,
      { cause: error, remedy: 'See the last lines of its log.' },
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function failed(message: string, remedy: string): TerminalError {
  return new TerminalError('smoke-test-failed', message, { remedy });
}
