/**
 * One of several processes that answer calls: takes calls until it is refused, at most `attempts`, several at a time. Run as
 * `node calling.ts <tenant> <bucket> <limit> <attempts> <clock>`; says `{allowed, writes}`.
 */
import { openRateLimiter } from '#store/rate-limit';
import { openTestStore } from '#tests/store';

const [tenant = '', bucket = '', limit = '', attempts = '', clock = ''] = process.argv.slice(2);
const store = openTestStore();
let writes = 0;
const db = {
  ...store.db,
  commit: async (batch: Parameters<typeof store.db.commit>[0]) => {
    writes += 1;
    await store.db.commit(batch);
  },
};
// However busy the machine is that this runs on, none goes on credit.
const patience = { read: 600_000, write: 600_000, trigger: 600_000 };
const limiter = openRateLimiter({ ...store, db, clock: () => Number(clock) }, patience);
const taking = {
  who: tenant,
  tenant,
  bucket: bucket === 'trigger' ? ('trigger' as const) : ('read' as const),
  limit: Number(limit),
};
let [allowed, left, refused] = [0, Number(attempts), false];
const caller = async (): Promise<void> => {
  while (left-- > 0 && !refused)
    if ((await limiter.take(taking)).allowed) allowed += 1;
    else refused = true;
};
await Promise.all(Array.from({ length: 8 }, caller));
process.stdout.write(`${JSON.stringify({ allowed, writes })}\n`);
process.exit(0);
