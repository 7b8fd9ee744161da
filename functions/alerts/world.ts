import { openPeople } from '#cloud/auth';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import type { Config } from '#runtime/config';
import type { DeliveryWorld } from './deliver.ts';
import { openMailer } from './mail.ts';

/** What deliveries of this installation are made with. */
export function deliveryWorld(config: Config): DeliveryWorld {
  return {
    hosts: makeHostGuard(parseAllowedHosts(config.allowedHosts.join(','))),
    keys: config.installationKeys,
    mailer: openMailer(config.mail),
    people: openPeople(config.projectId),
  };
}
