import { openPeople } from '#cloud/auth';
import * as contracts from '#core/api/members';
import { TenantView } from '#core/api/tenants';
import { Invitation, viewInvitation } from '#core/invitation';
import { paths } from '#core/paths';
import { type Call, route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { readPage } from '#store/document';
import { now } from '#store/store';
import { accept, getInvitation, invite, resend, revoke } from './invitations.ts';
import { changeRole, getMember, leave, listMembers, removeMember } from './members.ts';

export const deploy = httpDeploy();

type InTenant = Pick<Call<'{tenant}', unknown, unknown>, 'params' | 'person' | 'role'>;

export const handler = serve('members-api', ({ store, config }) => {
  const people = openPeople(config.projectId);
  const by = ({ params, person, role }: InTenant) => {
    const { actor, email } = person();
    return { tenant: params.tenant, actor, email, role: role() };
  };
  return [
    route(contracts.listMembers, ({ params, query }) => listMembers(store, params.tenant, query)),
    route(contracts.getMember, ({ params }) => getMember(store, params.tenant, params.member)),
    route(contracts.updateMember, (call) => changeRole(store, by(call), call.params.member, call.body.role)),
    route(contracts.removeMember, (call) => removeMember(store, by(call), call.params.member)),
    route(contracts.leaveTenant, (call) => leave(store, by(call))),
    route(contracts.createInvitation, (call) => invite(store, call.membership().tenant, by(call), call.body)),
    route(contracts.listInvitations, async ({ params, query }) => {
      const { status, email, ...page } = query;
      const found = await readPage(store, paths.invitations(params.tenant), Invitation, page, {
        status,
        email,
      });
      return { ...found, items: found.items.map((one) => viewInvitation(one, now(store))) };
    }),
    route(contracts.getInvitation, ({ params }) => getInvitation(store, params.tenant, params.invitation)),
    route(contracts.revokeInvitation, (call) => revoke(store, by(call), call.params.invitation)),
    route(contracts.resendInvitation, (call) => resend(store, by(call), call.params.invitation)),
    route(contracts.acceptInvitation, async ({ body, person }) => {
      const { tenant, role } = await accept(store, people, person().uid, body.token);
      return TenantView.parse({ ...tenant, role });
    }),
  ];
});
