import { z } from 'zod';
import { Role } from './access.ts';
import { Id, Moment } from './ids.ts';
import { Email } from './tenant.ts';

/** Days after which an invitation that nobody accepted is void. */
export const INVITATION_DAYS = 7;

/** An offer of a place in a tenant to whoever owns an e-mail address: `tenants/{t}/invitations/{i}`. */
export const Invitation = z.object({
  id: Id,
  email: Email,
  role: Role,
  status: z.enum(['pending', 'accepted', 'revoked']),
  /** uid and address of the member who offers it. */
  invitedBy: z.string(),
  invitedByEmail: z.string().nullable(),
  /** SHA-256 of the link's secret, in hex. The secret itself, 256 bits, is kept nowhere. */
  tokenHash: z.string(),
  createdAt: Moment,
  updatedAt: Moment,
  expiresAt: Moment,
  acceptedAt: Moment.nullable(),
  acceptedBy: z.string().nullable(),
});
export type Invitation = z.infer<typeof Invitation>;

/** An invitation as those see it who manage members. One past its time shows as expired. */
export const InvitationView = Invitation.omit({ tokenHash: true }).extend({
  status: z.enum(['pending', 'accepted', 'revoked', 'expired']),
});
export type InvitationView = z.infer<typeof InvitationView>;

/** `invitation` as it is at `now` (a Moment), without what only the link knows. */
export function viewInvitation(invitation: Invitation, now: string): InvitationView {
  const { tokenHash: _, ...rest } = invitation;
  const expired = rest.status === 'pending' && rest.expiresAt <= now;
  return { ...rest, status: expired ? 'expired' : rest.status };
}

const FORM = /^twi_([a-z][a-z0-9]{3,31})_([a-z][a-z0-9]{3,31})_([A-Za-z0-9_-]{43})$/;

/** What an invitation's link carries: the invitation, and 256 random bits that show that the link is genuine. */
export interface InvitationToken {
  readonly tenant: string;
  readonly invitation: string;
  /** 43 characters of base64url. */
  readonly secret: string;
}

/** The token as text: `twi_<tenant>_<invitation>_<secret>`. */
export function formatToken({ tenant, invitation, secret }: InvitationToken): string {
  return `twi_${tenant}_${invitation}_${secret}`;
}

/** The parts of a token; null where it is none. */
export function parseToken(text: string): InvitationToken | null {
  const [, tenant, invitation, secret] = FORM.exec(text) ?? [];
  return tenant === undefined || invitation === undefined || secret === undefined
    ? null
    : { tenant, invitation, secret };
}
