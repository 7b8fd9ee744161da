/** A steady mixed load on the API of a local cloud, then one tenant's burst beside another's steady work. */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Company, makeCompany, makeMembers } from '#tests/cast';
import { setup, teardown, useLocalCloud } from '#tests/local-cloud';
import { openTestStore } from '#tests/store';
import { openLoop, summarise, type Timed } from './load/arrivals.ts';
import { kindOf } from './load/mix.ts';

const HELP = `npm run bench -- load [--rate 50] [--minutes 5] [--burst-seconds 60] [--report FILE]

Starts a local cloud of its own. First: --rate requests a second, mixed, from four tenants, for --minutes; error rate and
latencies per endpoint. Then: one tenant works at 5 requests a second, alone and beside another that sends --rate × 4; the
ratio of its p95 says how well tenants are kept apart. Arrivals do not wait for answers.`;

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '50' },
    minutes: { type: 'string', default: '5' },
    'burst-seconds': { type: 'string', default: '60' },
    report: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const [rate, minutes, burstSeconds] = [values.rate, values.minutes, values['burst-seconds']].map(Number);

async function sendTo(company: Company, n: number): Promise<Timed> {
  const kind = kindOf(n);
  const began = performance.now();
  const done = (status: number): Timed => ({
    endpoint: kind.endpoint,
    tenant: company.tenant,
    status,
    milliseconds: performance.now() - began,
  });
  try {
    const response = await fetch(`${useLocalCloud().urls.web}${kind.path(company)}`, {
      method: kind.method,
      headers: {
        authorization: `Bearer ${company.members.owner.token}`,
        ...(kind.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(kind.body === undefined ? {} : { body: JSON.stringify(kind.body(n)) }),
      signal: AbortSignal.timeout(60_000),
    });
    await response.arrayBuffer();
    return done(response.status);
  } catch {
    return done(0);
  }
}

async function measure(rateWanted: number, minutesWanted: number, seconds: number) {
  const store = openTestStore();
  try {
    const members = await makeMembers();
    const companies = await Promise.all([0, 1, 2, 3].map(() => makeCompany(store, members)));
    // Other people's, and it meets the limits of a plan.
    const noisy = await makeCompany(store, await makeMembers());
    await store.db.commit([
      { kind: 'update', path: `tenants/${noisy.tenant}`, data: { plan: 'trial', limits: {} } },
    ]);
    const [quiet] = companies;
    if (quiet === undefined) throw new Error('no company');
    const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;
    console.log('warming up …');
    await openLoop(10, 20, (n) => sendTo(at(companies, n), n));
    console.log(`${rateWanted} requests a second for ${minutesWanted} min …`);
    const steady = await openLoop(rateWanted, minutesWanted * 60, (n) => sendTo(at(companies, n), n));
    console.log(`one tenant alone, then beside a burst, ${seconds} s each …`);
    const alone = await openLoop(5, seconds, (n) => sendTo(quiet, n));
    const [beside, burst] = await Promise.all([
      openLoop(5, seconds, (n) => sendTo(quiet, n)),
      openLoop(rateWanted * 4, seconds, (n) => sendTo(noisy, n)),
    ]);
    return { steady, alone, beside, burst };
  } finally {
    await store.db.close();
  }
}

function row(name: string, all: readonly Timed[]): string {
  const { n, failed, limited, p50, p95, p99 } = summarise(all);
  return `${name.padEnd(22)} ${String(n).padStart(7)} ${String(failed).padStart(7)} ${String(limited).padStart(8)} ${p50.toFixed(1).padStart(8)} ${p95.toFixed(1).padStart(8)} ${p99.toFixed(1).padStart(8)}`;
}

if (values.help === true) console.log(HELP);
else if (!(rate! > 0) || !(minutes! > 0) || !(burstSeconds! > 0)) {
  console.error(`--rate, --minutes and --burst-seconds must be numbers above 0.\n\n${HELP}`);
  process.exitCode = 2;
} else {
  await setup();
  try {
    const { steady, alone, beside, burst } = await measure(rate!, minutes!, burstSeconds!);
    console.log(`\n${'endpoint'.padEnd(22)}       n  failed  limited   p50 ms   p95 ms   p99 ms`);
    const groups = Map.groupBy(steady, ({ endpoint }) => endpoint);
    for (const [endpoint, all] of groups) console.log(row(endpoint, all));
    for (const [name, all] of Object.entries({
      'all, steady': steady,
      'a tenant, alone': alone,
      'beside a burst': beside,
      'the burst': burst,
    }))
      console.log(row(name, all));
    const ratio = summarise(beside).p95 / summarise(alone).p95;
    console.log(`\np95 of a tenant beside another's burst: ${ratio.toFixed(2)} × alone`);
    if (values.report !== undefined) {
      const result = (name: string, all: readonly Timed[]) => ({ name, unit: 'ms', ...summarise(all) });
      const results = [
        ...[...groups].map(([endpoint, all]) => result(endpoint, all)),
        result('all, steady', steady),
        result('a tenant, alone', alone),
        { ...result('a tenant beside a burst', beside), reference: summarise(alone).p95, ratio },
        result('the burst', burst),
      ];
      const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '' };
      writeFileSync(
        values.report,
        `${JSON.stringify({ bench: 'load', machine, rate, minutes, results }, null, 2)}\n`,
      );
    }
  } finally {
    await teardown();
  }
}
