/**
 * One POST to an address that a customer gave: over https, to an address that the host guard has checked for this very
 * call, along no redirect. Nothing of the answer is kept but its status: a webhook must be no way to read what it reaches.
 */
import { request, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import type { HostGuard } from '#connectors/hosts';
import { TerminalError, toError, TransientError } from '#core/errors';

/** From asking for a connection to the answer's first line. */
const LIMIT_MS = 10_000;

/** What a call is made with; all but the guard is what tests change. */
export interface WebhookWorld {
  readonly hosts: HostGuard;
  /** Trusted instead of the public authorities. */
  readonly ca?: string;
  readonly limitMs?: number;
}

/**
 * Posts `body` (JSON). @returns the status of an answer that says that it was taken (2xx)
 * @throws TerminalError `host-refused`, `host-unknown`, `webhook-gone` (410); TransientError `webhook-refused` (any other
 * answer), `webhook-unreachable`, `tls-untrusted`, `resolver-failed`; with `details.status` where there was an answer
 */
export async function postWebhook(
  { hosts, ca, limitMs = LIMIT_MS }: WebhookWorld,
  address: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<number> {
  const url = new URL(address);
  const { host } = url;
  const pinned = await hosts.pin(
    url.hostname.replace(/^\[(.*)\]$/, '$1'),
    url.port === '' ? 443 : Number(url.port),
  );
  const data = Buffer.from(body, 'utf8');
  const options: RequestOptions = {
    method: 'POST',
    host: pinned.address,
    family: pinned.family,
    port: pinned.port,
    path: `${url.pathname}${url.search}`,
    headers: {
      ...headers,
      host,
      'content-type': 'application/json',
      'content-length': data.length,
      'user-agent': 'tradewind',
    },
    // Verified against the name although the connection goes to the checked address.
    servername: isIP(pinned.host) === 0 ? pinned.host : '',
    agent: false,
    signal: AbortSignal.timeout(limitMs),
    ...(ca === undefined ? {} : { ca }),
  };
  const status = await new Promise<number>((resolve, reject) => {
    const asked = request(options, (answer) => {
      resolve(answer.statusCode ?? 0);
      answer.destroy();
    });
    asked.on('error', (error) => reject(unreachable(host, error, limitMs)));
    asked.end(data);
  });
  if (status >= 200 && status < 300) return status;
  throw refused(host, status);
}

function refused(host: string, status: number): Error {
  const details = { status };
  if (status === 410)
    return new TerminalError('webhook-gone', `${host} answers that this address is gone (410).`, {
      remedy: 'Give the channel its new address.',
      details,
    });
  const moved = status >= 300 && status < 400;
  return new TransientError('webhook-refused', `${host} answers with ${status}.`, {
    remedy: moved
      ? 'Give the address that it sends to: redirects are not followed.'
      : 'Look at the receiver: it should answer with 200 once it has the message.',
    details,
  });
}

function unreachable(host: string, thrown: unknown, limitMs: number): Error {
  const cause = toError(thrown);
  const code = 'code' in cause ? String(cause.code) : '';
  if (/CERT|SELF_SIGNED|ALTNAME|UNABLE_TO_VERIFY/.test(code))
    return new TransientError('tls-untrusted', `${host} cannot prove who it is (${code}).`, {
      remedy: 'The certificate must be valid for this host and signed by a public authority.',
      cause,
    });
  const late = cause.name === 'AbortError' || cause.name === 'TimeoutError' || code === 'ABORT_ERR';
  const why = late ? `no answer within ${limitMs / 1000} s` : code || cause.message;
  return new TransientError('webhook-unreachable', `${host} could not be reached (${why}).`, {
    remedy: 'Check the address and that its server answers from the internet.',
    cause,
  });
}
