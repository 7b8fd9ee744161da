import type { Contract } from '#core/api/contract';
import { TerminalError } from '#core/errors';
import { type CallMemory, type KeptAnswer, sha256 } from '#store/idempotency';
import { toProblem } from './problem.ts';
import { header, type RawRequest } from './request.ts';

export type Once = CallMemory;

/** Who asks, and where. */
interface Place {
  readonly tenant: string | null;
  readonly actor: string;
  readonly path: string;
  readonly search: string;
}

/**
 * Does a POST that carries an Idempotency-Key once: repeated, it gets the answer it had. Only answers of success are
 * kept; what was refused or has failed may be tried again under its key.
 * @param run does the call; its ids are to be made from the seed, where one is given
 * @throws TerminalError `idempotency-unsupported`, `idempotency-key-invalid`, `idempotency-mismatch`; TransientError
 * `idempotency-in-flight`
 */
export async function once(
  memory: Once | undefined,
  contract: Pick<Contract, 'method' | 'secretAnswer'>,
  request: RawRequest,
  place: Place,
  run: (seed: string | null) => Promise<KeptAnswer>,
): Promise<KeptAnswer & { readonly replayed: boolean }> {
  const key = header(request, 'idempotency-key');
  if (memory === undefined || key === undefined || contract.method !== 'POST')
    return { ...(await run(null)), replayed: false };
  checkKey(contract, key);
  const { tenant, actor, path, search } = place;
  const bodyHash = sha256(Buffer.concat([Buffer.from(`${search}\n`), request.body]));
  const call = await memory.begin({ tenant, actor, method: contract.method, path, key, bodyHash });
  if (!('seed' in call)) return { status: call.status, body: call.body, replayed: true };
  try {
    const answer = await run(call.seed);
    await call.finish(answer);
    return { ...answer, replayed: false };
  } catch (error) {
    await call.release(toProblem(error, '').status >= 500 ? 'failed' : 'refused');
    throw error;
  }
}

function checkKey(contract: Pick<Contract, 'secretAnswer'>, key: string): void {
  if (contract.secretAnswer)
    throw new TerminalError(
      'idempotency-unsupported',
      'The answer to this holds a secret, which is never kept: it cannot be given again.',
      { remedy: 'Send it without an Idempotency-Key.' },
    );
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new TerminalError(
      'idempotency-key-invalid',
      'The Idempotency-Key is not 1 to 255 visible ASCII characters.',
      {
        remedy: 'Send a random one, such as a UUID.',
      },
    );
}
