import { z } from 'zod';
import { TerminalError } from '#core/errors';

/** A key of 32 bytes in base64. */
const KeyText = z
  .base64()
  .refine((text) => Buffer.from(text, 'base64').length === 32, { message: 'must be 32 bytes in base64' });

const Env = z.object({
  GOOGLE_CLOUD_PROJECT: z.string().min(1),
  TRADEWIND_LOCATION: z.string().min(1).default('europe-west1'),
  TRADEWIND_BUCKET: z.string().min(1),
  TRADEWIND_IMAGES: z.string().min(1),
  // Containers run without it; the one that opens secrets is given its tenant's key instead.
  TRADEWIND_INSTALLATION_KEY: KeyText.optional(),
  TRADEWIND_TENANT_KEY: KeyText.optional(),
  TRADEWIND_ALLOWED_HOSTS: z.string().default(''),
  TRADEWIND_WEB_ORIGINS: z.string().default(''),
  BIGQUERY_ENDPOINT: z.url().optional(),
  RUN_ENDPOINT: z.url().optional(),
  AIPLATFORM_ENDPOINT: z.url().optional(),
});

/** What every function and container knows of its installation. */
export interface Config {
  readonly projectId: string;
  readonly location: string;
  /** Bucket of artifacts and uploads. */
  readonly bucket: string;
  /** Container images are `<images>/<deployable name>`. */
  readonly images: string;
  /** Wraps the tenants' data keys; 32 bytes. @throws TerminalError where this process was not given it. */
  readonly installationKey: Uint8Array;
  /** The data key of the tenant a container works for; undefined in functions. */
  readonly tenantKey: Uint8Array | undefined;
  /** Private hosts that the operator lets customers' sources name: `host` or `host:port`. */
  readonly allowedHosts: readonly string[];
  /** Origins that may call the recommender from a browser. */
  readonly webOrigins: readonly string[];
  /** Where Google's services answer if not at their public addresses (private endpoints, a local cloud). */
  readonly endpoints: {
    readonly bigquery: string | undefined;
    readonly run: string | undefined;
    readonly aiplatform: string | undefined;
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
  const list = (text: string) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  return Object.freeze({
    projectId: e.GOOGLE_CLOUD_PROJECT,
    location: e.TRADEWIND_LOCATION,
    bucket: e.TRADEWIND_BUCKET,
    images: e.TRADEWIND_IMAGES,
    get installationKey() {
      if (e.TRADEWIND_INSTALLATION_KEY === undefined)
        throw new TerminalError('configuration-invalid', 'TRADEWIND_INSTALLATION_KEY is not set here.', {
          remedy:
            'Set it (32 bytes in base64) where the function is deployed. Containers never have it: they get TRADEWIND_TENANT_KEY.',
        });
      return Buffer.from(e.TRADEWIND_INSTALLATION_KEY, 'base64');
    },
    tenantKey:
      e.TRADEWIND_TENANT_KEY === undefined ? undefined : Buffer.from(e.TRADEWIND_TENANT_KEY, 'base64'),
    allowedHosts: list(e.TRADEWIND_ALLOWED_HOSTS),
    webOrigins: list(e.TRADEWIND_WEB_ORIGINS),
    endpoints: { bigquery: e.BIGQUERY_ENDPOINT, run: e.RUN_ENDPOINT, aiplatform: e.AIPLATFORM_ENDPOINT },
  });
}
