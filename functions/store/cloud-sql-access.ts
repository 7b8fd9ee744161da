/** Cloud SQL for the sources of one tenant: as the account of a key, or as the installation's own, which reads for all. */
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { type ConnectSettings, openCloudSqlApi } from '#cloud/cloud-sql-api';
import { GoogleRefusal } from '#cloud/google-account';
import type { CloudSqlInstances } from '#connectors/cloud-sql/instances';
import type { CloudSqlName, CloudSqlWay } from '#core/cloud-sql';
import { TerminalError, TransientError } from '#core/errors';
import { TENANT_LABEL } from './dataset-access.ts';

const ACCOUNTS = 'tradewind-api, tradewind-events and tradewind-etl';

/**
 * Instances as the account of `keyFile`; as the installation's own account, only those that are labelled for the tenant, which
 * is asked at each opening. @throws TerminalError `key-invalid`
 */
export function cloudSqlFor(
  tenant: string,
  endpoint: string | undefined,
  keyFile: string | null,
): CloudSqlInstances {
  const api = openCloudSqlApi(endpoint, keyFile);
  const account = api.email ?? 'the installation’s service account';
  const asked = async <T>(name: CloudSqlName, work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw error instanceof GoogleRefusal ? inWords(error, name, api.email) : error;
    });
  const mustBeLabelled = async (name: CloudSqlName, signal: AbortSignal): Promise<void> => {
    if (api.email !== null) return;
    const labels = await asked(name, api.labels(name.project, name.instance, signal));
    if (labels[TENANT_LABEL] !== tenant)
      throw new TerminalError(
        'cloud-sql-forbidden',
        `The Cloud SQL instance ${shown(name)} is not labelled for this tenant.`,
        {
          remedy: `Set the label ${TENANT_LABEL}=${tenant} on the instance, or give this source the key of a service account that may connect to it.`,
        },
      );
  };
  return {
    account,
    async place(name, way, signal) {
      await mustBeLabelled(name, signal);
      const settings = await asked(name, api.connectSettings(name.project, name.instance, signal));
      if (settings.region !== name.region)
        throw notFound(name, `it is in ${settings.region.slice(0, 60)}, not in ${name.region}`);
      return {
        host: hostOf(settings, name, way),
        version: settings.databaseVersion,
        ca: settings.serverCaCert.cert,
        dnsName: dnsNameOf(settings),
      };
    },
    async admit(name, signal) {
      const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
        modulusLength: 2048,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      });
      const work = api.certificate(name.project, name.instance, publicKey, signal);
      return { certificate: await asked(name, work), privateKey };
    },
  };
}

const shown = ({ project, region, instance }: CloudSqlName): string => `${project}:${region}:${instance}`;

/** The address of an instance, as Cloud SQL tells it. @throws TerminalError `cloud-sql-no-address` */
function hostOf(settings: ConnectSettings, name: CloudSqlName, { address }: CloudSqlWay): string {
  const ip = (type: string) => settings.ipAddresses.find((each) => each.type === type)?.ipAddress;
  const found =
    address === 'public' ? ip('PRIMARY') : address === 'private' ? ip('PRIVATE') : pscName(settings);
  if (found !== undefined && found !== '') return found;
  const kinds = {
    public: 'public IP address',
    private: 'private IP address',
    psc: 'Private Service Connect name',
  };
  throw new TerminalError(
    'cloud-sql-no-address',
    `The Cloud SQL instance ${shown(name)} has no ${kinds[address]}.`,
    { remedy: 'Give the instance one, or choose another of its addresses for this source.' },
  );
}

const withoutDot = (name: string): string => name.replace(/\.$/, '');

function pscName({ dnsNames, dnsName, pscEnabled }: ConnectSettings): string | undefined {
  const own = dnsNames.find(
    ({ connectionType, dnsScope, name }) =>
      connectionType === 'PRIVATE_SERVICE_CONNECT' && dnsScope === 'INSTANCE' && name !== '',
  );
  if (own !== undefined) return withoutDot(own.name);
  return pscEnabled && dnsName !== '' ? withoutDot(dnsName) : undefined;
}

/** The name in the instance's certificate; '' where it has none. */
function dnsNameOf(settings: ConnectSettings): string {
  // Of a group of instances there are names, too, which lead to whichever of them is written to now.
  const own = settings.dnsNames.find(({ dnsScope, name }) => dnsScope === 'INSTANCE' && name !== '');
  return pscName(settings) ?? withoutDot(own?.name ?? settings.dnsName);
}

function notFound(name: CloudSqlName, why: string, cause?: Error): TerminalError {
  return new TerminalError('cloud-sql-not-found', `There is no Cloud SQL instance ${shown(name)}: ${why}.`, {
    remedy: 'Copy the connection name from the instance’s page in the console: project:region:instance.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A refusal of the Admin API in our words. What was to be tried again has been. */
function inWords(refusal: GoogleRefusal, name: CloudSqlName, email: string | null): Error {
  const { status, reason, message } = refusal;
  const said = message.replaceAll(/\s+/g, ' ').replace(/\.$/, '').slice(0, 400);
  if (status === 404) return notFound(name, said, refusal);
  if (status === 409 || reason === 'invalidState')
    return new TransientError(
      'source-unreachable',
      `The Cloud SQL instance ${shown(name)} takes no connections now: ${said}.`,
      { remedy: 'Start the instance, or wait until what is done to it has ended.', cause: refusal },
    );
  // Older interfaces of Google's say 403 where there were too many questions.
  if (status === 429 || status >= 500 || /^(user)?rateLimitExceeded$|^quotaExceeded$/i.test(reason))
    return new TransientError(
      'source-unreachable',
      `Cloud SQL does not answer for ${shown(name)}: ${said}.`,
      {
        remedy: 'It is tried again; see whether Google Cloud reports a disturbance.',
        cause: refusal,
      },
    );
  const who = email ?? `the installation’s service accounts (${ACCOUNTS})`;
  const off = reason === 'accessNotConfigured';
  const remedy = off
    ? 'Enable the Cloud SQL Admin API in the project of that account.'
    : status === 400
      ? 'See in the console that the instance runs, and what it can be connected to by.'
      : `Give ${who} the role Cloud SQL Client in the project ${name.project}.`;
  return new TerminalError(
    'cloud-sql-refused',
    `Cloud SQL does not let ${email ?? 'the installation’s service account'} connect to ${shown(name)}: ${said}.`,
    { remedy, cause: refusal },
  );
}
