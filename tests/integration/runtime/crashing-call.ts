/**
 * One call with an Idempotency-Key, in a process that is killed (SIGKILL) before or after one of its writes: run as
 * `node crashing-call.ts <point> <tenant> <key>`, where point is `before-<n>` or `after-<n>`, or `none`.
 */
import { type Database, openDatabase } from '#cloud/firestore';
import { openTestStore } from '#tests/store';
import { makeOrder } from './ordering.ts';

const [point = 'none', tenant = '', key = ''] = process.argv.slice(2);
const store = openTestStore();
let writes = 0;
const db: Database = {
  ...openDatabase(process.env['GOOGLE_CLOUD_PROJECT'] ?? ''),
  async commit(batch) {
    writes += 1;
    if (point === `before-${writes}`) process.kill(process.pid, 'SIGKILL');
    await store.db.commit(batch);
    if (point === `after-${writes}`) process.kill(process.pid, 'SIGKILL');
  },
};
const { status } = await makeOrder({ ...store, db }, tenant, key, { name: 'Bolts' });
process.stdout.write(`${status} ${writes}\n`);
process.exit(0);
