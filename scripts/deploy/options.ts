import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { parseAllowedHosts } from '../../functions/connectors/hosts.ts';
import type { Installation } from './installation.ts';

export const DEPLOY_HELP = `npm run deploy -- --plan  --project ID [options]   print every resource and command; needs no network, no sign-in
npm run deploy -- --apply --project ID [options]   bring them about; again at any time: what is there is left alone

  --region REGION            functions, containers, warehouse, bucket (europe-west1); firebase.json names the same
  --firestore LOCATION       Firestore's location (eur3)
  --origin URL               a web origin that may ask recommenders from a browser; may be given more than once
                             (https://ID.web.app and https://ID.firebaseapp.com)
  --allowed-hosts LIST       private hosts that customers' sources may name, host[:port],… (none)
  --outbound-addresses LIST  from where customers' servers are connected to, shown to who adds one (not shown); the address
                             that was made: gcloud compute addresses describe tradewind-out --format='value(address)'
  --mail-from ADDRESS        whom alerts by e-mail come from (no e-mail is sent)
  --mail-secret NAME         the secret, made by you, that holds smtps://user:password@host:465 or https://:token@host/path
  --tenant-project ID        a project of one tenant's own, prepared for it; may be given more than once
  --key-version N            version of the installation key's secret (the newest); to be named while the key is rotated
  --former-key-version N     another one that opens too meanwhile: see scripts/rotate-keys.ts
  --json                     the plan as JSON
  --yes                      apply without asking
  --help

--apply builds first, deploys only functions and images whose bundle is another than the deployed one, stops at the first
command that fails and says which. It needs gcloud and firebase on the PATH, signed in with the right to do all this.`;

export interface DeployOptions {
  readonly help: boolean;
  readonly apply: boolean;
  readonly json: boolean;
  readonly yes: boolean;
  readonly installation: Installation;
}

const PROJECT = /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/;
const PLACE = /^[a-z]+[0-9a-z-]*[0-9]$/;

/** The options in `args`, or what is wrong with them, naming the value. */
export function readDeployOptions(
  args: readonly string[],
): { readonly options: DeployOptions } | { readonly problem: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        plan: { type: 'boolean', default: false },
        apply: { type: 'boolean', default: false },
        project: { type: 'string' },
        region: { type: 'string', default: 'europe-west1' },
        firestore: { type: 'string', default: 'eur3' },
        origin: { type: 'string', multiple: true, default: [] },
        'allowed-hosts': { type: 'string', default: '' },
        'outbound-addresses': { type: 'string', default: '' },
        'mail-from': { type: 'string' },
        'mail-secret': { type: 'string' },
        'tenant-project': { type: 'string', multiple: true, default: [] },
        'key-version': { type: 'string' },
        'former-key-version': { type: 'string' },
        json: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const project = values.project ?? '';
    const problem = values.help ? null : problemOf({ ...values, project });
    if (problem !== null) return { problem };
    return {
      options: {
        help: values.help,
        apply: values.apply,
        json: values.json,
        yes: values.yes,
        installation: {
          project,
          region: values.region,
          firestore: values.firestore,
          origins:
            values.origin.length > 0
              ? values.origin
              : [`https://${project}.web.app`, `https://${project}.firebaseapp.com`],
          allowedHosts: values['allowed-hosts'],
          outboundAddresses: values['outbound-addresses'],
          mail:
            values['mail-from'] === undefined || values['mail-secret'] === undefined
              ? undefined
              : { from: values['mail-from'], secret: values['mail-secret'] },
          tenantProjects: values['tenant-project'],
          ...(values['key-version'] === undefined
            ? {}
            : {
                keyVersions: {
                  current: values['key-version'],
                  former: values['former-key-version'] ?? null,
                },
              }),
        },
      },
    };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The regions that the site's rewrites name: functions elsewhere would never be asked. */
function hostingRegions(): string[] {
  const text = readFileSync(new URL('../../firebase.json', import.meta.url), 'utf8');
  return [...new Set([...text.matchAll(/"region":\s*"([^"]+)"/g)].map(([, region = '']) => region))];
}

function problemOf(values: {
  readonly plan: boolean;
  readonly apply: boolean;
  readonly project: string;
  readonly region: string;
  readonly firestore: string;
  readonly origin: readonly string[];
  readonly 'allowed-hosts': string;
  readonly 'outbound-addresses': string;
  readonly 'tenant-project': readonly string[];
  readonly 'mail-from'?: string | undefined;
  readonly 'mail-secret'?: string | undefined;
  readonly 'key-version'?: string | undefined;
  readonly 'former-key-version'?: string | undefined;
}): string | null {
  if (values.plan === values.apply) return 'Say either --plan or --apply.';
  if (!PROJECT.test(values.project))
    return `--project "${values.project}" is no project id (6 to 30 lower-case letters, digits, dashes).`;
  if (!PLACE.test(values.region)) return `--region "${values.region}" is no region such as europe-west1.`;
  const others = hostingRegions().filter((region) => region !== values.region);
  if (others.length > 0)
    return `--region "${values.region}" is not where the site sends its calls: firebase.json names ${others.join(', ')}. Replace it there.`;
  if (!PLACE.test(values.firestore))
    return `--firestore "${values.firestore}" is no location such as eur3 or europe-west1.`;
  for (const origin of values.origin)
    if (URL.parse(origin)?.origin !== origin)
      return `--origin "${origin}" is no web origin such as https://shop.example.`;
  for (const tenant of values['tenant-project'])
    if (!PROJECT.test(tenant) || tenant === values.project)
      return `--tenant-project "${tenant}" is no project id, or is the installation’s own.`;
  for (const name of ['key-version', 'former-key-version'] as const) {
    const version = values[name];
    if (version !== undefined && !/^[1-9]\d{0,5}$/.test(version))
      return `--${name} "${version}" is no version number of a secret.`;
  }
  const { 'mail-from': from, 'mail-secret': secret } = values;
  if ((from === undefined) !== (secret === undefined)) return '--mail-from and --mail-secret go together.';
  if (from !== undefined && !/^([^<>\s,;]+@[A-Za-z0-9.-]+)$/.test(from))
    return `--mail-from "${from}" is no address such as alerts@example.com.`;
  if (secret !== undefined && !/^[A-Za-z0-9_-]{1,255}$/.test(secret))
    return `--mail-secret "${secret}" is no name of a secret.`;
  if (values['former-key-version'] !== undefined && values['key-version'] === undefined)
    return '--former-key-version needs --key-version beside it: which one is the current one.';
  parseAllowedHosts(values['allowed-hosts']);
  const wrong = values['outbound-addresses']
    .split(',')
    .find((one) => one !== '' && isIP(one.split('/')[0] ?? '') === 0);
  if (wrong !== undefined)
    return `--outbound-addresses "${wrong}" is no address or network such as 203.0.113.7.`;
  return null;
}
