/** Rotates the installation's key and the tenants' data keys; see functions/store/rotate-keys.ts for how. */
import { parseArgs } from 'node:util';
import { randomBytes } from 'node:crypto';
import { openDatabase } from '#cloud/firestore';
import { openBus } from '#cloud/pubsub';
import { toFailure } from '#core/errors';
import { paths } from '#core/paths';
import { readConfig } from '../functions/runtime/config.ts';
import { countersignAudit } from '#store/audit-chain';
import { addTenantKey, dropTenantKeys, keyedTenants, resealTenant, rewrapTenants } from '#store/rotate-keys';
import type { Store } from '#store/store';

const HELP = `Rotate the keys that credentials are sealed by. Everything goes on meanwhile; each step may be stopped and begun again.

  node scripts/rotate-keys.ts --new-key         print a new installation key, and do nothing else
  node scripts/rotate-keys.ts --installation    wrap every tenant's data keys by the installation's newest key,
                                                and countersign the audit by it
  node scripts/rotate-keys.ts --tenants         give every tenant a new data key and seal its secrets by it
  node scripts/rotate-keys.ts --tenants --tenant ID   … this tenant alone

The installation's key, in this order (versions 1 and 2 of its secret stand for the old and the new one; until it is
named, instances that start would take a new version alone, and open nothing that the old one has wrapped):
  1. npm run deploy -- --apply --key-version 1
  2. node scripts/rotate-keys.ts --new-key | tr -d '\\n' | gcloud secrets versions add tradewind-installation-key --data-file=-
  3. npm run deploy -- --apply --key-version 1 --former-key-version 2     every function opens by both
  4. npm run deploy -- --apply --key-version 2 --former-key-version 1     … and wraps by the new one
  5. run --installation, in the same environment as the functions
  6. npm run deploy -- --apply --key-version 2
Elsewhere the same by the variables: TRADEWIND_INSTALLATION_KEY is the one that wraps, TRADEWIND_FORMER_KEYS open too.

Data keys: run --tenants; run it again an hour later, when the former keys can be removed. It says what it waits for.

The environment is that of the functions: GOOGLE_CLOUD_PROJECT, TRADEWIND_INSTALLATION_KEY, TRADEWIND_FORMER_KEYS, ….`;

const { values } = parseArgs({
  options: {
    'new-key': { type: 'boolean' },
    installation: { type: 'boolean' },
    tenants: { type: 'boolean' },
    tenant: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values['new-key'] === true) console.log(randomBytes(32).toString('base64'));
else if (values.help === true || (values.installation !== true && values.tenants !== true)) console.log(HELP);
else process.exitCode = await rotate();

/** @returns the exit code: 0 done, 1 failed, 3 something is left to do later. */
async function rotate(): Promise<number> {
  let store: Store | undefined;
  try {
    const config = readConfig(process.env);
    store = {
      db: openDatabase(config.projectId),
      bus: openBus(config.projectId),
      clock: Date.now,
      random: (n) => randomBytes(n),
    };
    const keys = config.installationKeys;
    if (values.installation === true) {
      const { tenants, rewrapped } = await rewrapTenants(store, keys, (tenant) =>
        console.log(`${tenant}: wrapped anew`),
      );
      console.log(`${rewrapped} of ${tenants} tenants were wrapped anew; all are by the newest key now.`);
      let blocks = 0;
      for (const path of await store.db.documents(paths.tenants))
        blocks += await countersignAudit(store, keys, path.split('/').at(-1) ?? '');
      console.log(`${blocks} blocks of the audit were countersigned by it.`);
    }
    let left = 0;
    if (values.tenants === true)
      for (const tenant of values.tenant === undefined ? await keyedTenants(store) : [values.tenant]) {
        const added = await addTenantKey(store, keys, tenant);
        const { secrets, resealed, waiting } = await resealTenant(store, keys, tenant);
        const dropped = await dropTenantKeys(store, tenant);
        if (waiting > 0 || added) left += 1;
        console.log(
          [
            `${tenant}:`,
            added ? 'a new key;' : 'no new key, for the newest is younger than an hour;',
            waiting > 0
              ? `waits for ${waiting} running ${waiting === 1 ? 'load' : 'loads'}`
              : `${resealed} of ${secrets} secrets sealed anew; ${dropped.length} former keys removed`,
          ].join(' '),
        );
      }
    if (left > 0)
      console.log(
        `${left} ${left === 1 ? 'tenant has' : 'tenants have'} something left: run it again in an hour.`,
      );
    return left > 0 ? 3 : 0;
  } catch (error) {
    const { code, message, remedy } = toFailure(error);
    console.error(`${code}: ${message}${remedy === null ? '' : ` ${remedy}`}`);
    return 1;
  } finally {
    await Promise.allSettled([store?.db.close(), store?.bus.close()]);
  }
}
