import { z } from 'zod';

/** A package of the lock file. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression; 'UNKNOWN' where neither lock file nor package says one. */
  readonly licence: string;
  /** Subresource integrity of its archive, where the lock file has it. */
  readonly integrity: string | null;
}

const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      integrity: z.string().optional(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      link: z.boolean().optional(),
    }),
  ),
});
const Manifest = z.object({
  license: z.union([z.string(), z.object({ type: z.string() })]).optional(),
  licenses: z.array(z.object({ type: z.string() })).optional(),
});

/** What may be shipped with a product that is not open source: permissive licences, alone or as a choice. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'CC-BY-3.0',
  'CC-BY-4.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/**
 * The production packages of a lock file, by name and version.
 * @param readManifest text of `<path>/package.json`, or null where the package is not installed
 */
export function productionPackages(
  lockText: string,
  readManifest: (path: string) => string | null,
): LockedPackage[] {
  const { packages } = Lock.parse(JSON.parse(lockText));
  const found = new Map<string, LockedPackage>();
  for (const [path, one] of Object.entries(packages)) {
    if (path === '' || one.dev === true || one.devOptional === true || one.link === true) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const version = one.version ?? '';
    const licence = one.license ?? stated(readManifest(path)) ?? 'UNKNOWN';
    found.set(`${name}@${version}`, { name, version, licence, integrity: one.integrity ?? null });
  }
  return [...found.values()].sort(
    (a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version),
  );
}

function stated(manifest: string | null): string | null {
  if (manifest === null) return null;
  const parsed = Manifest.safeParse(JSON.parse(manifest));
  if (!parsed.success) return null;
  const { license, licenses } = parsed.data;
  if (typeof license === 'string') return license;
  return license?.type ?? licenses?.map(({ type }) => type).join(' OR ') ?? null;
}

/** The packages whose licence may not be shipped. */
export function judgeLicences(packages: readonly LockedPackage[]): LockedPackage[] {
  return packages.filter(({ licence }) => !mayShip(licence));
}

/** Whether an SPDX expression leaves us an allowed choice: any of an OR, all of an AND. */
export function mayShip(expression: string): boolean {
  const bare = expression.trim().replace(/^\((.*)\)$/, '$1');
  if (/\sOR\s/.test(bare)) return bare.split(/\sOR\s/).some(mayShip);
  if (/\sAND\s/.test(bare)) return bare.split(/\sAND\s/).every(mayShip);
  return ALLOWED.has(bare);
}

/** A software bill of materials, CycloneDX 1.5. */
export function toSbom(packages: readonly LockedPackage[]) {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { type: 'application', name: 'tradewind' } },
    components: packages.map(({ name, version, licence, integrity }) => ({
      type: 'library',
      name,
      version,
      purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      licenses: [{ expression: licence }],
      ...(integrity === null ? {} : { hashes: hashesOf(integrity) }),
    })),
  };
}

function hashesOf(integrity: string) {
  return integrity.split(' ').flatMap((one) => {
    const [kind = '', digest = ''] = one.split('-', 2);
    const alg = { sha512: 'SHA-512', sha1: 'SHA-1', sha256: 'SHA-256' }[kind];
    return alg === undefined ? [] : [{ alg, content: Buffer.from(digest, 'base64').toString('hex') }];
  });
}
