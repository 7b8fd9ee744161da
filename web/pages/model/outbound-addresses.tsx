import { useState } from 'preact/hooks';
import { listOutboundAddresses } from '#core/api/sources';
import { api } from '../../api.ts';
import { Button } from '../../ui/button.tsx';
import { Shown } from '../../ui/states.tsx';
import { useAnswer } from '../../use-work.ts';

interface OutboundProps {
  readonly tenant: string;
  readonly model: string;
}

/** From where the connections come, for whoever keeps the firewall in front of the database. */
export function OutboundAddresses({ tenant, model }: OutboundProps) {
  const [copied, setCopied] = useState(false);
  const answer = useAnswer(`${tenant}/${model}`, async (signal) =>
    api(listOutboundAddresses, { params: { tenant, model }, signal }),
  );
  return (
    <div class="stack">
      <h3>Let these addresses in</h3>
      <Shown of={answer} lines={1}>
        {({ addresses }) =>
          addresses.length === 0 ? (
            <p class="quiet">
              Whoever operates this installation has not said from which addresses it connects. If your
              database is behind a firewall, ask them.
            </p>
          ) : (
            <>
              <p class="quiet">
                Connections to your database come from here, and from nowhere else: allow it in its firewall.
              </p>
              <p class="row">
                {addresses.map((address) => (
                  <code key={address}>{address}</code>
                ))}
                <Button
                  kind="plain"
                  small
                  onClick={() =>
                    void navigator.clipboard.writeText(addresses.join('\n')).then(() => setCopied(true))
                  }
                >
                  {copied ? 'Copied' : addresses.length === 1 ? 'Copy the address' : 'Copy the addresses'}
                </Button>
              </p>
            </>
          )
        }
      </Shown>
    </div>
  );
}
