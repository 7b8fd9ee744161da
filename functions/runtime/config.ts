import { isIP } from 'node:net';
import { z } from 'zod';
import { TerminalError } from '#core/errors';
import type { InstallationKeys } from '#core/installation-keys';
import { parseTenantKeys, TenantKeyText } from '#core/tenant-key-ring';
import type { TenantKeys } from '#store/tenant-keys';

/** A key of 32 bytes in base64. */
const KeyText = z
  .base64()
  .refine((text) => Buffer.from(text, 'base64').length === 32, { message: 'must be 32 bytes in base64' });

const Env = z.object({
  GOOGLE_CLOUD_PROJECT: z.string().min(1),
  TRADEWIND_LOCATION: z.string().min(1).default('europe-west1'),
  TRADEWIND_BUCKET: z.string().min(1),
  TRADEWIND_IMAGES: z.string().min(1),
  /** `<deployable>=<tag>,…`; an image that is not named is its latest. */
  TRADEWIND_IMAGE_TAGS: z
    .string()
    .regex(/^([a-z0-9-]+=[a-z0-9.-]+(,|$))*$/)
    .default(''),
  // Containers run without it; the one that opens secrets is given its tenant's key instead.
  TRADEWIND_INSTALLATION_KEY: KeyText.optional(),
  TRADEWIND_FORMER_KEYS: z
    .string()
    .default('')
    .refine((text) => list(text).every((one) => KeyText.safeParse(one).success), {
      message: 'must be keys of 32 bytes in base64, separated by commas',
    }),
  TRADEWIND_TENANT_KEYS: TenantKeyText.optional(),
  TRADEWIND_ALLOWED_HOSTS: z.string().default(''),
  /** From where this installation connects to customers' servers: addresses and networks, for their firewalls. */
  TRADEWIND_OUTBOUND_ADDRESSES: z
    .string()
    .default('')
    .refine((text) => list(text).every(isAddress), {
      message: 'must be addresses or networks, separated by commas, such as 203.0.113.7,2001:db8::/64',
    }),
  TRADEWIND_WEB_ORIGINS: z.string().default(''),
  /** `smtps://user:password@host:465`, `smtp://…` (STARTTLS), or `https://:token@host/path`; none: no mail is sent. */
  TRADEWIND_MAIL_URL: z
    .string()
    .default('')
    .refine((text) => text === '' || isMailUrl(text), { message: 'must be an smtp, smtps or https address' }),
  /** `alerts@example.com` or `Tradewind <alerts@example.com>`. */
  TRADEWIND_MAIL_FROM: z
    .string()
    .max(254)
    .default('')
    .refine((text) => text === '' || /^([^<>\r\n@]+<)?[^\s<>@,]+@[A-Za-z0-9.-]+>?$/.test(text), {
      message: 'must be an address such as "Tradewind <alerts@example.com>"',
    }),
  BIGQUERY_ENDPOINT: z.url().optional(),
  RUN_ENDPOINT: z.url().optional(),
  AIPLATFORM_ENDPOINT: z.url().optional(),
  SCHEDULER_ENDPOINT: z.url().optional(),
  CLOUDSQL_ENDPOINT: z.url().optional(),
});

/** How the installation sends e-mail. */
export interface MailSettings {
  readonly url: string;
  readonly from: string;
}

/** What every function and container knows of its installation. */
export interface Config {
  readonly projectId: string;
  readonly location: string;
  /** Bucket of artifacts and uploads. */
  readonly bucket: string;
  /** Where container images are: `<images>/<deployable name>`. */
  readonly images: string;
  /** The image that containers of a deployable are started from: of the very release that this process is of. */
  readonly imageOf: (deployable: string) => string;
  /** The newest of `installationKeys`, from which other keys are derived. @throws as `installationKeys` */
  readonly installationKey: Uint8Array;
  /** Wrap the tenants' data keys; 32 bytes each. @throws TerminalError where this process was not given them. */
  readonly installationKeys: InstallationKeys;
  /** The data keys of the tenant a container works for; undefined in functions. */
  readonly tenantKeys: TenantKeys | undefined;
  /** Private hosts that the operator lets customers' sources name: `host` or `host:port`. */
  readonly allowedHosts: readonly string[];
  /** From where customers' servers are connected to, for their firewalls; none where the operator has not said. */
  readonly outboundAddresses: readonly string[];
  /** Origins that may call the recommender from a browser. */
  readonly webOrigins: readonly string[];
  /** How e-mail is sent; null where it is not. */
  readonly mail: MailSettings | null;
  /** Where Google's services answer if not at their public addresses (private endpoints, a local cloud). */
  readonly endpoints: {
    readonly bigquery: string | undefined;
    readonly run: string | undefined;
    readonly aiplatform: string | undefined;
    readonly scheduler: string | undefined;
    readonly cloudSql: string | undefined;
  };
}

/**
 * The configuration in `env`, frozen.
 * @throws TerminalError `configuration-invalid`, naming each variable that is missing or wrong (never its value).
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const parsed = Env.safeParse(env);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new TerminalError('configuration-invalid', `The environment is not configured: ${wrong}.`, {
      remedy: 'Set the variables named above where the function or container is deployed.',
    });
  }
  const e = parsed.data;
  const installationKeys = (): InstallationKeys => {
    if (e.TRADEWIND_INSTALLATION_KEY === undefined)
      throw new TerminalError('configuration-invalid', 'TRADEWIND_INSTALLATION_KEY is not set here.', {
        remedy:
          'Set it (32 bytes in base64) where the function is deployed. Containers never have it: they get TRADEWIND_TENANT_KEYS.',
      });
    return {
      current: Buffer.from(e.TRADEWIND_INSTALLATION_KEY, 'base64'),
      former: list(e.TRADEWIND_FORMER_KEYS).map((one) => Buffer.from(one, 'base64')),
    };
  };
  const tags = new Map(
    list(e.TRADEWIND_IMAGE_TAGS).map((pair): [string, string] => {
      const [name = '', tag = ''] = pair.split('=');
      return [name, tag];
    }),
  );
  return Object.freeze({
    projectId: e.GOOGLE_CLOUD_PROJECT,
    location: e.TRADEWIND_LOCATION,
    bucket: e.TRADEWIND_BUCKET,
    images: e.TRADEWIND_IMAGES,
    imageOf: (deployable: string) => {
      const tag = tags.get(deployable);
      return `${e.TRADEWIND_IMAGES}/${deployable}${tag === undefined ? '' : `:${tag}`}`;
    },
    get installationKey() {
      return installationKeys().current;
    },
    get installationKeys() {
      return installationKeys();
    },
    tenantKeys: e.TRADEWIND_TENANT_KEYS === undefined ? undefined : tenantKeys(e.TRADEWIND_TENANT_KEYS),
    allowedHosts: list(e.TRADEWIND_ALLOWED_HOSTS),
    outboundAddresses: list(e.TRADEWIND_OUTBOUND_ADDRESSES),
    webOrigins: list(e.TRADEWIND_WEB_ORIGINS),
    mail:
      e.TRADEWIND_MAIL_URL === '' || e.TRADEWIND_MAIL_FROM === ''
        ? null
        : { url: e.TRADEWIND_MAIL_URL, from: e.TRADEWIND_MAIL_FROM },
    endpoints: {
      bigquery: e.BIGQUERY_ENDPOINT,
      run: e.RUN_ENDPOINT,
      aiplatform: e.AIPLATFORM_ENDPOINT,
      scheduler: e.SCHEDULER_ENDPOINT,
      cloudSql: e.CLOUDSQL_ENDPOINT,
    },
  });
}

/** An address, or a network of at most as many bits as one has. */
function isAddress(text: string): boolean {
  const [address = '', bits] = text.split('/');
  const version = isIP(address);
  return (
    version !== 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)))
  );
}

/** Plain http only to this machine: a password travels with it. */
function isMailUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  return (
    ['smtp:', 'smtps:', 'https:'].includes(url.protocol) ||
    (url.protocol === 'http:' && url.hostname === '127.0.0.1')
  );
}

function tenantKeys(text: string): TenantKeys {
  const { current, keys } = parseTenantKeys(text);
  return {
    current,
    keys: new Map([...keys].map(([number, key]) => [number, Buffer.from(key, 'base64')])),
  };
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
