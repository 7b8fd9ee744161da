import { inspect } from 'node:util';
import { Problem } from '#core/api/contract';
import type { FuzzRequest } from './requests.ts';

/** No answer may take longer: Hosting cuts at 60 s, functions end at 30. */
const HANG_MS = 30_000;

/** What an answer did wrong; null where it is as every answer must be. */
export async function judgeAnswer(origin: string, request: FuzzRequest): Promise<string | null> {
  const began = performance.now();
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${origin}${request.url}`, {
      method: request.method,
      headers: request.headers,
      ...(request.body === null ? {} : { body: Buffer.from(request.body) }),
      signal: AbortSignal.timeout(HANG_MS),
      redirect: 'manual',
    });
    text = await response.text();
  } catch (error) {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    return `no answer after ${seconds} s: ${inspect(error, { depth: 1 }).slice(0, 400)}`;
  }
  if (response.status >= 500) return `${response.status}: ${text.slice(0, 300)}`;
  if (/node_modules|\n\s+at |\.ts:\d+/.test(text))
    return `${response.status} shows its inside: ${text.slice(0, 300)}`;
  if (response.status < 400) return null;
  // A path that is no address of the API is Hosting's to refuse, in its own words.
  if (response.status === 404 && !(response.headers.get('content-type') ?? '').includes('json')) return null;
  if (response.status === 400 && text.length < 200 && !text.startsWith('{')) return null;
  const type = response.headers.get('content-type') ?? '';
  if (!type.startsWith('application/problem+json'))
    return `${response.status} as "${type}": ${text.slice(0, 200)}`;
  return Problem.safeParse(JSON.parse(text)).success
    ? null
    : `${response.status} is no problem: ${text.slice(0, 200)}`;
}
