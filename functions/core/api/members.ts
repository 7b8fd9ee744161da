import { z } from 'zod';
import { Role } from '../access.ts';
import { Id, Moment } from '../ids.ts';
import { InvitationView } from '../invitation.ts';
import { Email } from '../tenant.ts';
import { contract, listQuery, pageOf } from './contract.ts';
import { TenantView } from './tenants.ts';

/** A member as members see each other. `id` stands for the person in this API's paths. */
export const MemberView = z.object({
  id: Id,
  uid: z.string(),
  email: z.string().nullable(),
  role: Role,
  addedAt: Moment,
});
export type MemberView = z.infer<typeof MemberView>;

/** An invitation with the link to send: shown this once. The product sends no mail itself. */
const InvitationWithLink = z.object({
  invitation: InvitationView,
  /** Path of the page that accepts it, with the token behind `#`, where no server logs it. */
  link: z.string(),
  token: z.string(),
});

export const listMembers = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/members',
  access: 'belong',
  summary: 'Who belongs to the tenant.',
  query: listQuery({ role: Role.optional() }, ['addedAt', 'email']).omit({ deleted: true }),
  answer: pageOf(MemberView),
});

export const getMember = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/members/{member}',
  access: 'belong',
  summary: 'One member.',
  answer: MemberView,
});

export const updateMember = contract({
  method: 'PATCH',
  path: '/api/tenants/{tenant}/members/{member}',
  access: 'manage-members',
  summary:
    'Give a member another role; nobody reaches above their own. API keys they made that can do more are revoked.',
  body: z.strictObject({ role: Role }),
  answer: MemberView,
});

export const removeMember = contract({
  method: 'DELETE',
  path: '/api/tenants/{tenant}/members/{member}',
  access: 'manage-members',
  summary: 'Remove a member; they are refused at their next request, and the API keys they made are revoked.',
  answer: z.object({ id: Id }),
});

export const leaveTenant = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/leave',
  access: 'belong',
  summary:
    'Leave the tenant; API keys you made are revoked, so have others roll those first. The last owner cannot.',
  answer: z.object({ id: Id }),
});

export const createInvitation = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/invitations',
  access: 'manage-members',
  summary: 'Invite whoever owns an e-mail address; the answer holds the link to send.',
  body: z.strictObject({ email: Email, role: Role }),
  answer: InvitationWithLink,
  status: 201,
  secretAnswer: true,
});

export const listInvitations = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/invitations',
  access: 'manage-members',
  summary: 'The tenant’s invitations. Those past their time count as pending here and show as expired.',
  query: listQuery(
    { status: z.enum(['pending', 'accepted', 'revoked']).optional(), email: Email.optional() },
    ['createdAt'],
  ).omit({ deleted: true }),
  answer: pageOf(InvitationView),
});

export const getInvitation = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/invitations/{invitation}',
  access: 'manage-members',
  summary: 'One invitation.',
  answer: InvitationView,
});

export const revokeInvitation = contract({
  method: 'DELETE',
  path: '/api/tenants/{tenant}/invitations/{invitation}',
  access: 'manage-members',
  summary: 'Withdraw an invitation that was not accepted yet.',
  answer: InvitationView,
});

export const resendInvitation = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/invitations/{invitation}/resend',
  access: 'manage-members',
  summary: 'A new link for an invitation, valid for another 7 days; the former link is void.',
  answer: InvitationWithLink,
  secretAnswer: true,
});

export const acceptInvitation = contract({
  method: 'POST',
  path: '/api/invitations/accept',
  access: 'signed-in',
  summary: 'Accept an invitation by its link’s token, as the owner of the address it is for.',
  body: z.strictObject({ token: z.string().max(200) }),
  answer: TenantView,
});
