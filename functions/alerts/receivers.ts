/** Who gets e-mail: members of the tenant, at the address that they have shown to be theirs, as it is now. */
import type { People } from '#cloud/auth';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { Member } from '#core/tenant';
import { read } from '#store/document';
import type { Store } from '#store/store';

/** A member's own confirmed address. @throws TerminalError `address-unverified`: also of who is no member, or no longer */
export async function addressOf(
  store: Pick<Store, 'db'>,
  people: Pick<People, 'byUid'>,
  tenant: string,
  uid: string,
): Promise<string> {
  const member = await read(store, paths.member(tenant, uid), Member);
  const person = member === null ? null : await people.byUid(uid);
  if (person !== null && person.email !== null && person.emailVerified) return person.email;
  throw new TerminalError(
    'address-unverified',
    `${JSON.stringify(uid)} is no member here with a confirmed e-mail address.`,
    { remedy: 'Name members of this tenant who have confirmed their address.' },
  );
}

/** An installation without a way to send mail. */
export function mailMissing(): TerminalError {
  return new TerminalError('mail-not-configured', 'This installation sends no e-mail.', {
    remedy: 'Use a webhook, or ask the operator to set TRADEWIND_MAIL_URL and TRADEWIND_MAIL_FROM.',
  });
}
