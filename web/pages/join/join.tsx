import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { ApiError } from '#core/api/client';
import { acceptInvitation } from '#core/api/members';
import { sendConfirmation } from '../../accounts.ts';
import { api } from '../../api.ts';
import { forgetInvitation, keptInvitation } from '../../invitation.ts';
import { to } from '../../paths.ts';
import { addTenant, session } from '../../session.ts';
import { Button } from '../../ui/button.tsx';
import { Failure } from '../../ui/states.tsx';
import { useTitle } from '../../ui/use-title.ts';
import { useWork } from '../../use-work.ts';

/** Where an invitation's link leads: the signed-in person joins the company that invited them. */
export default function Join() {
  const { route } = useLocation();
  const [token] = useState(keptInvitation);
  const [sent, setSent] = useState(false);
  useTitle('Join');
  const email = session.value.state === 'signed-in' ? session.value.email : '';
  const joining = useWork(async () => {
    const tenant = await api(acceptInvitation, { body: { token: token ?? '' } });
    forgetInvitation();
    addTenant(tenant);
    route(to.models(tenant.id), true);
  });
  const sending = useWork(async () => {
    await sendConfirmation();
    setSent(true);
  });
  const unconfirmed = joining.error instanceof ApiError && joining.error.problem.code === 'email-unverified';
  return (
    <div class="narrow">
      <section class="panel" aria-labelledby="join-title">
        <h1 id="join-title">Join a company</h1>
        {token === null ? (
          <p class="note">This address is not complete. Open the whole link that you were sent.</p>
        ) : (
          <div class="stack sign-in">
            <p class="note">
              You are signed in as {email}. The invitation has to be for this address; sign out to use another
              one.
            </p>
            {joining.error !== null && <Failure error={joining.error} />}
            {sending.error !== null && <Failure error={sending.error} />}
            {sent && <output class="notice good">A mail with a link is on its way to {email}.</output>}
            <Button busy={joining.busy} onClick={() => joining.run()}>
              Join
            </Button>
            {unconfirmed && (
              <Button busy={sending.busy} onClick={() => sending.run()}>
                Send the confirmation mail
              </Button>
            )}
          </div>
        )}
      </section>
    </div>
  );
}
