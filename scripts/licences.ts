/** The licences of what is deployed: every production package of the lock file, checked against those we may ship. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './deployables.ts';
import { judgeLicences, productionPackages, toSbom } from './licences/packages.ts';

const HELP = `npm run licences [-- --report FILE] [--sbom FILE]

Lists version and licence of every production package, as the lock file and the installed packages state them, and fails on
one whose licence is not among those that may be shipped. --report writes the list as JSON, --sbom a CycloneDX 1.5 document.`;

const { values } = parseArgs({
  options: { report: { type: 'string' }, sbom: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});
if (values.help === true) console.log(HELP);
else {
  const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
  const packages = productionPackages(lock, (path) => {
    try {
      return readFileSync(join(ROOT, path, 'package.json'), 'utf8');
    } catch {
      return null;
    }
  });
  const refused = judgeLicences(packages);
  const width = Math.max(...packages.map(({ name }) => name.length));
  for (const { name, version, licence } of packages)
    console.log(`${name.padEnd(width)}  ${version.padEnd(12)}  ${licence}`);
  const kinds = Map.groupBy(packages, ({ licence }) => licence);
  console.log(
    `\n${packages.length} packages: ${[...kinds].map(([kind, of]) => `${of.length} ${kind}`).join(', ')}`,
  );
  if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(packages, null, 2)}\n`);
  if (values.sbom !== undefined) writeFileSync(values.sbom, `${JSON.stringify(toSbom(packages), null, 2)}\n`);
  for (const { name, version, licence } of refused)
    console.error(`${name} ${version}: "${licence}" is not among the licences that may be shipped.`);
  process.exitCode = refused.length > 0 ? 1 : 0;
}
