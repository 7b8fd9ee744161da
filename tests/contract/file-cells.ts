/** What can be wrong with files when their connection is tested, on real web servers and in storage: for both kinds of them. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { ObjectReader, SourceAccess } from '#connectors/connector';
import { TerminalError } from '#core/errors';
import { checkObject } from '#store/source-access';
import { type MemoryObjects, makeTestContext } from '#tests/connectors';
import { startWebFiles, type WebFiles } from '#tests/https-files';
import { AUTHORITY, CERTIFICATES, closedPort, startSilent, startStranger } from '#tests/odd-servers';
import type { Cell } from './connection-cells.ts';
import type { BrokenAccess } from './connector-suite.ts';

/** The cells of files that `accessTo` reads by address, `extension` what their names end in. */
export interface FileCells {
  readonly impossible: Readonly<Partial<Record<Cell, string>>>;
  readonly broken: readonly BrokenAccess[];
  stop(): Promise<void>;
}

const NO_SIGN_IN = 'Files are read without a user of theirs.';

/** Starts the servers that the cells need; `objects` are in storage. */
export async function startFileCells(
  extension: string,
  accessTo: (...uris: string[]) => SourceAccess,
  objects: MemoryObjects,
): Promise<FileCells> {
  const stops: (() => Promise<void>)[] = [];
  const odd = async (starting: Promise<{ readonly port: number; stop(): Promise<void> }>) => {
    const server = await starting;
    stops.push(() => server.stop());
    return server.port;
  };
  const web = async (proof?: { readonly cert: string; readonly key: string }): Promise<WebFiles> => {
    const server = await startWebFiles(proof);
    stops.push(() => server.close());
    return server;
  };
  // As if it were one of the public authorities.
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, AUTHORITY]);
  stops.push(async () => setDefaultCACertificates(before));
  const at = (port: number, host = '127.0.0.1') => accessTo(`https://${host}:${port}/things.${extension}`);
  const itself = await web();
  const [expired, other] = [await web(CERTIFICATES.expired), await web(CERTIFICATES.otherName)];
  const closed = await closedPort();
  const lost = `gs://shop-files/lost.${extension}`;
  const none = `gs://shop-files/none/*.${extension}`;
  const foreign = `gs://others-files/things.${extension}`;
  const locked = `gs://shop-files/locked.${extension}`;
  objects.put(foreign, 'x');
  objects.put(locked, 'x');
  return {
    impossible: {
      'TLS: not offered': 'An https server without TLS speaks another protocol.',
      'password: missing': NO_SIGN_IN,
      'user: unknown': NO_SIGN_IN,
      'database: unknown': 'Files are in none.',
    },
    broken: [
      { cell: 'name: unknown', access: at(443, 'files.invalid'), step: 'reach', code: 'host-unknown', names: 'files.invalid', remedy: /Check the spelling/ },
      { cell: 'name: private', access: at(443, '10.0.0.1'), step: 'reach', code: 'host-refused', names: '10.0.0.1', remedy: /public host name.*TRADEWIND_ALLOWED_HOSTS/ },
      { cell: 'name: metadata', access: at(443, '169.254.169.254'), step: 'reach', code: 'host-refused', names: '169.254.169.254', remedy: /Give a public host name/ },
      { cell: 'name: unknown', what: 'no address', access: accessTo(`https://%zz/things.${extension}`), step: 'reach', code: 'uri-invalid', names: '%zz', remedy: /Write it as https:/ },
      { cell: 'name: unknown', what: 'no file', access: accessTo(lost), step: 'reach', code: 'object-not-found', names: lost, remedy: /Check the address, or upload/ },
      { cell: 'port: closed', access: at(closed), step: 'reach', code: 'source-unreachable', names: String(closed), remedy: /Check the address/ },
      { cell: 'port: silent', access: at(await odd(startSilent())), step: 'reach', code: 'source-unreachable', names: 'silent', remedy: /Check the address/ },
      { cell: 'port: another protocol', access: at(await odd(startStranger())), step: 'reach', code: 'source-protocol', names: '127.0.0.1', remedy: /opens with https/ },
      { cell: 'TLS: another authority', access: at(itself.port), step: 'reach', code: 'tls-untrusted', names: '127.0.0.1', remedy: /signed by a public authority/ },
      { cell: 'TLS: another name', access: at(other.port, 'localhost'), step: 'reach', code: 'tls-untrusted', names: 'localhost', remedy: /host name that is in the certificate/ },
      { cell: 'TLS: expired', access: at(expired.port, 'localhost'), step: 'reach', code: 'tls-untrusted', names: 'EXPIRED', remedy: /certificate of the web server renewed/ },
      { cell: 'password: wrong', access: at(await forbidding(stops, extension), 'localhost'), step: 'reach', code: 'object-forbidden', names: 'localhost', remedy: /that anybody may read, or upload/ },
      { cell: 'privilege: none', access: accessTo(foreign), context: makeTestContext(guarded(objects)), step: 'reach', code: 'object-forbidden', names: foreign, remedy: /Set the label tradewind-tenant=acme on the bucket "others-files"/ },
      { cell: 'privilege: read', access: accessTo(locked), context: makeTestContext(locking(objects)), step: 'permissions', code: 'object-forbidden', names: locked, remedy: /Storage Object Viewer/ },
      { cell: 'empty', what: 'a pattern that nothing matches', access: accessTo(none), step: 'reach', code: 'object-not-found', names: none, remedy: /Check the pattern/ },
    ], // prettier-ignore
    stop: async () => {
      for (const stop of stops) await stop();
    },
  };
}

/** A web server that the test authority vouches for, and that lets nobody read. */
async function forbidding(stops: (() => Promise<void>)[], extension: string): Promise<number> {
  const server = await startWebFiles(CERTIFICATES.fits);
  stops.push(() => server.close());
  server.files.set(`/things.${extension}`, { bytes: new Uint8Array(0), status: 401 });
  return server.port;
}

/** Storage as a tenant sees it: one bucket is not labelled for it. */
function guarded(objects: ObjectReader): ObjectReader {
  const policy = {
    installation: 'ours',
    tenant: 'ours',
    labelsOf: async () => ({ 'tradewind-tenant': 'other' }),
  };
  const key = { tenant: 'acme', model: 'm1' };
  return { ...objects, stat: async (uri) => checkObject(uri, policy, key).then(() => objects.stat(uri)) };
}

/** Storage in which objects can be seen and not read. */
function locking(objects: ObjectReader): ObjectReader {
  return {
    ...objects,
    // oxlint-disable-next-line require-yield
    async *open(uri) {
      throw new TerminalError('object-forbidden', `The installation may not read ${uri}.`, {
        remedy: 'Give its service account the role Storage Object Viewer on the bucket.',
      });
    },
  };
}
