/**
 * The one guard between what customers type as a host and what the installation connects to.
 *
 * Resolve first, check every address, connect to the checked address only. Names are never compared with lists of bad
 * names, because there are endless ways to write one (`127.1`, `0x7f000001`, a public name that points inside).
 * Private networks open by the operator's allow-list; the clouds' metadata addresses never do.
 */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { readConnectionName } from '#core/cloud-sql';
import { TerminalError, TransientError, toError } from '#core/errors';

/** One host checked: connect to `address`, verify TLS against `host`. */
export interface PinnedHost {
  readonly host: string;
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
}

/** Decides whether a host given by a customer may be connected to. */
export interface HostGuard {
  /** Terminal `host-refused`, Terminal `host-unknown` or Transient `resolver-failed`. */
  pin(host: string, port: number): Promise<PinnedHost>;
}

/** All addresses of a name; rejects with `code` ENOTFOUND and the like. */
export type Resolver = (host: string) => Promise<readonly string[]>;

/** An entry of the allow-list: a name, an address or a network, at one port or any. */
export interface AllowedHost {
  readonly host: string;
  readonly port: number | null;
}

/** The system's resolver. */
export const systemResolver: Resolver = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

/**
 * Parses `host[:port],…` with names, IPv4, `[IPv6]` and `network/bits`, as in TRADEWIND_ALLOWED_HOSTS.
 * Terminal `allowed-hosts-invalid` names the entry.
 */
export function parseAllowedHosts(text: string): readonly AllowedHost[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const match = /^(?:\[([0-9a-fA-F:.]+(?:\/\d+)?)\]|([A-Za-z0-9._-]+(?:\/\d+)?))(?::(\d{1,5}))?$/.exec(
        entry,
      );
      const host = match?.[1] ?? match?.[2];
      if (host === undefined || !isReadable(host))
        throw new TerminalError('allowed-hosts-invalid', `"${entry}" is not a host, address or network.`, {
          remedy: 'Write TRADEWIND_ALLOWED_HOSTS like "10.1.2.3:5432,db.internal,[fd00::1],10.0.0.0/8".',
        });
      return { host: host.toLowerCase(), port: match?.[3] === undefined ? null : Number(match[3]) };
    });
}

function isReadable(host: string): boolean {
  const [network = '', bits] = host.split('/');
  return bits === undefined || (isIP(network) !== 0 && Number(bits) <= (isIPv4(network) ? 32 : 128));
}

/** A guard over `resolve` that lets through public addresses and those in `allowed`. */
export function makeHostGuard(allowed: readonly AllowedHost[], resolve = systemResolver): HostGuard {
  return {
    async pin(given, port) {
      const host = readHost(given);
      const addresses = isIP(host) === 0 ? await resolveAll(resolve, host) : [host];
      const entries = allowed.filter((entry) => entry.port === null || entry.port === port);
      for (const address of addresses) {
        if (isMetadata(address) || host.replace(/\.$/, '') === 'metadata.google.internal')
          throw refused(given, 'is the metadata service of a cloud, which is never a source');
        if (!isPublic(address) && !entries.some((entry) => covers(entry, host, address)))
          throw refused(given, 'is not on the public internet');
      }
      // IPv4 first: many networks have no IPv6 route out. There is at least one: resolveAll refuses none.
      const address = addresses.find((each) => isIPv4(each)) ?? addresses[0]!;
      return { host: host.replace(/\.$/, ''), address, family: isIPv4(address) ? 4 : 6, port };
    },
  };
}

/** The host in canonical form, or a refusal: only plain names and plain addresses are taken. */
function readHost(given: string): string {
  const bare = /^\[(.*)\]$/.exec(given)?.[1] ?? given;
  if (isIPv6(bare) && !bare.includes('%')) return mappedIPv4(bare) ?? bare.toLowerCase();
  if (isIPv4(given)) return given;
  const labels = given.replace(/\.$/, '').split('.');
  const named =
    given.length <= 253 &&
    labels.every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label));
  // A name whose last label is a number is an address in disguise for some resolvers (127.1, 0x7f.1, 2130706433).
  const numeric = /^(\d+|0[xX][0-9a-fA-F]*)$/.test(labels.at(-1) ?? '');
  if (readConnectionName(given) !== null)
    throw refused(
      given,
      'is the connection name of a Cloud SQL instance, which `cloudSql` in the settings has to say',
    );
  if (!named || numeric) throw refused(given, 'is not a plain host name or address');
  return given.toLowerCase();
}

async function resolveAll(resolve: Resolver, host: string): Promise<readonly string[]> {
  let found: readonly string[];
  try {
    found = await resolve(host);
  } catch (thrown) {
    const error = toError(thrown);
    const code = 'code' in error ? String(error.code) : '';
    if (code === 'ENOTFOUND' || code === 'ENODATA') throw unknownHost(host, error);
    throw new TransientError('resolver-failed', `The name "${host}" could not be looked up (${code}).`, {
      remedy: 'Try again in a minute.',
      cause: error,
    });
  }
  const addresses = found.map((address) => mappedIPv4(address) ?? address);
  if (addresses.length === 0) throw unknownHost(host);
  return addresses;
}

function unknownHost(host: string, cause?: Error): TerminalError {
  return new TerminalError('host-unknown', `There is no host named "${host}".`, {
    remedy: 'Check the spelling; the name must be known to public DNS.',
    cause,
  });
}

function refused(host: string, why: string): TerminalError {
  const shown = JSON.stringify(host.slice(0, 100));
  return new TerminalError('host-refused', `The host ${shown} ${why}.`, {
    remedy:
      'Give a public host name or address, or ask the operator to add this host to TRADEWIND_ALLOWED_HOSTS.',
  });
}

function covers(entry: AllowedHost, host: string, address: string): boolean {
  const [network = '', bits] = entry.host.split('/');
  if (bits === undefined) return entry.host === host.replace(/\.$/, '') || entry.host === address;
  if (isIP(network) !== isIP(address)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), isIPv4(network) ? 'ipv4' : 'ipv6');
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** `::ffff:a.b.c.d` in any spelling as IPv4, which is what the kernel makes of it; else null. */
function mappedIPv4(address: string): string | null {
  if (!isIPv6(address)) return null;
  // The URL parser writes IPv6 canonically.
  const canonical = URL.parse(`http://[${address.split('%')[0]}]`)?.hostname ?? '';
  const match = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(canonical);
  if (match === null) return null;
  const high = Number.parseInt(match[1] ?? '', 16);
  const low = Number.parseInt(match[2] ?? '', 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** IANA's special-purpose registry for IPv4 (RFC 6890 and successors), multicast and reserved space. */
const privateIPv4 = subnets('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]);
/** Global unicast; all else (loopback, ULA, link-local, IPv4-compatible, NAT64, multicast) is refused unseen. */
const globalIPv6 = subnets('ipv6', [['2000::', 3]]);
/** Within it: protocol assignments with Teredo, benchmarking and ORCHID; documentation; 6to4. */
const specialIPv6 = subnets('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['2620:4f:8000::', 48],
]);
/** Google, AWS and Azure; AWS containers; AWS over IPv6; Alibaba; Oracle; Azure's wire server. */
const metadataIPv4 = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
]);
const metadataIPv6 = subnets('ipv6', [
  ['fd00:ec2::254', 128],
  ['fd00:ec2::23', 128],
  ['fd20:ce::254', 128],
]);

function subnets(family: 'ipv4' | 'ipv6', list: readonly (readonly [string, number])[]): BlockList {
  const block = new BlockList();
  for (const [network, bits] of list) block.addSubnet(network, bits, family);
  return block;
}

function isMetadata(address: string): boolean {
  return isIPv4(address)
    ? metadataIPv4.has(address)
    : metadataIPv6.check(address.split('%')[0] ?? '', 'ipv6');
}

function isPublic(address: string): boolean {
  if (isIPv4(address)) return !privateIPv4.check(address, 'ipv4');
  if (address.includes('%')) return false;
  return globalIPv6.check(address, 'ipv6') && !specialIPv6.check(address, 'ipv6');
}
