/**
 * How an installation sends e-mail: by SMTP, or by POST to a provider's address. Which, and as whom, its operator says
 * (TRADEWIND_MAIL_URL, TRADEWIND_MAIL_FROM); nothing of it comes from a tenant.
 */
import { createTransport } from 'nodemailer';
import { TerminalError, toError, TransientError } from '#core/errors';
import type { MailSettings } from '#runtime/config';

/** The longest a mail server is waited for. */
const LIMIT_MS = 15_000;

/** A plain text to one address. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** The same each time it is sent: mail servers and providers that know it deliver it once. */
  readonly id: string;
}

/** Sends mails. */
export interface Mailer {
  /** @throws TerminalError `mail-refused` (for good); TransientError `mail-unavailable` */
  send(mail: Mail): Promise<void>;
}

/** The mailer of `settings`; null where the installation has none. */
export function openMailer(settings: MailSettings | null): Mailer | null {
  if (settings === null) return null;
  return settings.url.startsWith('smtp') ? smtpMailer(settings) : httpMailer(settings);
}

function smtpMailer({ url, from }: MailSettings): Mailer {
  // Whoever stands between could answer that there is no TLS, and be told the password.
  const requireTLS = !['127.0.0.1', 'localhost'].includes(new URL(url).hostname);
  return {
    async send({ to, subject, text, id }) {
      const transport = createTransport({
        url,
        requireTLS,
        connectionTimeout: LIMIT_MS,
        greetingTimeout: LIMIT_MS,
        socketTimeout: LIMIT_MS,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      try {
        // An object, not a line: an address cannot bring further receivers or headers.
        await transport.sendMail({
          from,
          to: { name: '', address: to },
          subject,
          text,
          messageId: `<${id}@${domainOf(from)}>`,
        });
      } catch (error) {
        throw smtpFailure(error);
      } finally {
        transport.close();
      }
    },
  };
}

/** A server that says 5xx of a message says no for good; all else may pass. Its words may name people and are not repeated. */
function smtpFailure(thrown: unknown): Error {
  const cause = toError(thrown);
  const code = 'responseCode' in cause ? Number(cause.responseCode) : 0;
  const unencrypted = 'code' in cause && cause.code === 'ETLS';
  return code >= 500 && code < 600 && code !== 535 && !unencrypted
    ? refused(`answers ${code}`, cause)
    : unavailable(code, cause);
}

function httpMailer({ url, from }: MailSettings): Mailer {
  const address = new URL(url);
  const token = decodeURIComponent(address.password);
  address.username = '';
  address.password = '';
  return {
    async send({ to, subject, text, id }) {
      let status: number;
      try {
        const answer = await fetch(address, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'idempotency-key': id,
            ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
          },
          body: JSON.stringify({ from, to, subject, text }),
          // It carries the token: nowhere else.
          redirect: 'error',
          signal: AbortSignal.timeout(LIMIT_MS),
        });
        status = answer.status;
        await answer.body?.cancel();
      } catch (error) {
        throw unavailable(0, toError(error));
      }
      if (status >= 200 && status < 300) return;
      throw status === 400 || status === 422 ? refused(`answers ${status}`) : unavailable(status);
    },
  };
}

function refused(why: string, cause?: Error): TerminalError {
  return new TerminalError('mail-refused', `The mail server ${why}: it does not take this message.`, {
    remedy: 'Check that the member’s address takes mail.',
    cause,
  });
}

function unavailable(status: number, cause?: Error): TransientError {
  const why = status === 0 ? 'did not answer' : `answers ${status}`;
  return new TransientError('mail-unavailable', `The installation’s mail server ${why}.`, {
    remedy: 'It is tried again by itself; if it goes on, tell the operator.',
    cause,
  });
}

/** The part of `Name <a@b.example>` or `a@b.example` after the at sign. */
function domainOf(from: string): string {
  return /@([A-Za-z0-9.-]+)>?\s*$/.exec(from)?.[1] ?? 'tradewind';
}
