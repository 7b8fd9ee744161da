import { ALGORITHMS, type SlotName } from '../../../functions/core/slot.ts';
import { TrainingConfig } from '../../../functions/core/training-config.ts';
import type { Model } from '../../../functions/recommender/algorithm.ts';
import { bootstrapDifference, bootstrapMean } from '../../../functions/recommender/bootstrap.ts';
import { buildHistory, DAY_MS, type Interactions } from '../../../functions/recommender/data.ts';
import {
  evaluate,
  listerOf,
  type Evaluation,
  type Goal,
  type Lister,
} from '../../../functions/recommender/evaluate.ts';
import { openJournal } from '../../../functions/recommender/journal.ts';
import { withPool } from '../../../functions/recommender/kernels/pool.ts';
import { chooseAll, fitOnce } from '../../../functions/recommender/measure.ts';
import { learnShare, nextOrderLister } from '../../../functions/recommender/next-order.ts';
import { makeShelf, rank } from '../../../functions/recommender/rank.ts';
import { fitSetting } from '../../../functions/recommender/model-keeper.ts';
import { search, type SearchContext } from '../../../functions/recommender/search.ts';
import type { Cases } from '../../../functions/recommender/split.ts';
import { plainSetting, settingKey, type Setting } from '../../../functions/recommender/trial-plan.ts';
import { readOrderLines } from '../order-lines.ts';
import { cpuSeconds, makeResult, writeReport, type Result } from '../report/results.ts';
import { figureResult } from './report.ts';

/** Customers with fewer baskets are learned from, not asked. */
const LEAST_BASKETS = 3;
const RECALL10: Goal = { what: 'recall', k: 10 };

export interface LastBasketOptions {
  readonly data: string;
  readonly seed: number;
  readonly seconds: number;
  readonly threads: number;
  readonly report: string | undefined;
}

/**
 * Next-basket recommendation: each customer's last basket is held out and everything chosen on the basket before it.
 * Two questions, since on wholesale data they are two products: all items (what will be in the basket), and those never
 * bought before.
 */
export async function measureLastBaskets(options: LastBasketOptions): Promise<void> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const { interactions, customers, items } = await readOrderLines(options.data);
  const size = { customers: customers.keys.length, items: items.keys.length };
  const test = holdLastBaskets(interactions, size);
  const validation = holdLastBaskets(test.rest, size, new Set(test.cases.customers));
  console.log(
    `${size.customers} customers, ${size.items} items; ${test.cases.customers.length} last baskets, ${validation.cases.customers.length} to choose with`,
  );
  const config = TrainingConfig.parse({
    preset: 'balanced',
    algorithms: [...ALGORITHMS],
    trials: 120,
    seconds: options.seconds,
    minInteractionsPerItem: 1,
    seed: options.seed,
  });
  await withPool(options.threads, async (pool) => {
    const context: SearchContext = {
      config,
      pool,
      journal: await openJournal('', seconds, null),
      goal: RECALL10,
      onTrial: ({ algorithm, slot, options: tried, curve }) =>
        console.log(
          `  ${seconds().toFixed(0).padStart(4)} s  ${slot.padEnd(9)}${algorithm.padEnd(20)}rung ${curve?.at(-1)?.rung}  ${curve?.at(-1)?.figure.toFixed(4)}  ${JSON.stringify(tried)}`,
        ),
    };
    const found = await search(validation.cases, context);
    const shipped = chooseAll(found, (name) => plainSetting(name, config, size), config.seed);
    const models = async () => ({
      reorder: await found.model(shipped.reorder),
      discover: await found.model(shipped.discover),
    });
    const share = await learnShare(models, found.cases, makeShelf(found.cases.before, 1), {
      journal: context.journal,
      seed: config.seed,
    });
    const singles = [
      ...new Map(
        (['reorder', 'discover'] as const)
          .flatMap((slot) => Object.values(found.best[slot]))
          .map(({ algorithm, options: own }) => [
            settingKey({ algorithm, options: own }),
            { algorithm, options: own },
          ]),
      ).values(),
    ];
    const results = await measureTest(test.cases, { shipped, share, singles, context });
    results.push(makeResult('total-seconds', 's', size.customers, seconds()));
    results.push(makeResult('cpu-seconds', 's', size.customers, cpuSeconds()));
    writeReport('quality', options.report, results, { shipped, discoverShare: share });
  });
}

/**
 * The last basket of everybody with enough of them as cases, the other lines as history and as `rest`. The times of an
 * asked customer are moved so that its held-out basket is now: how old its habits are is as it was when it ordered.
 * `asked`: only these, who need one basket fewer.
 */
function holdLastBaskets(
  lines: Interactions,
  size: { customers: number; items: number },
  asked?: ReadonlySet<number>,
): { cases: Cases; rest: Interactions } {
  const last = new Map<number, { basket: number; time: number }>();
  const baskets = new Map<number, Set<number>>();
  let newest = -Infinity;
  for (let n = 0; n < lines.item.length; n++) {
    const [customer, basket, time] = [lines.customer[n]!, lines.basket[n]!, lines.time[n]!];
    newest = Math.max(newest, time);
    baskets.set(customer, (baskets.get(customer) ?? new Set()).add(basket));
    const known = last.get(customer);
    if (!known || time > known.time || (time === known.time && basket > known.basket))
      last.set(customer, { basket, time });
  }
  const least = asked ? LEAST_BASKETS - 1 : LEAST_BASKETS;
  const isAsked = (customer: number) =>
    (asked?.has(customer) ?? true) && (baskets.get(customer)?.size ?? 0) >= least;
  const rows = Int32Array.from(lines.item.keys());
  const isHeld = (n: number) =>
    isAsked(lines.customer[n]!) && lines.basket[n] === last.get(lines.customer[n]!)?.basket;
  const kept = rows.filter((n) => !isHeld(n));
  const rest = pick(lines, kept);
  const moved = {
    ...rest,
    time: rest.time.map((time, n) => {
      const customer = rest.customer[n]!;
      return isAsked(customer) ? time + newest - last.get(customer)!.time : time;
    }),
  };
  const { history } = buildHistory(moved, size, { until: newest + 1 });
  const targets = new Map<number, Set<number>>();
  for (const n of rows.filter((row) => isHeld(row)))
    targets.set(lines.customer[n]!, (targets.get(lines.customer[n]!) ?? new Set()).add(lines.item[n]!));
  const customers = Int32Array.from(targets.keys()).sort();
  return {
    rest,
    cases: {
      before: { ...history, asOf: newest / DAY_MS },
      customers,
      targets: Array.from(customers, (c) => Int32Array.from(targets.get(c)!).sort()),
      newCustomers: 0,
      newItemPurchases: 0,
    },
  };
}

function pick(lines: Interactions, rows: Int32Array): Interactions {
  const { customer, item, time, quantity, value, basket } = lines;
  return {
    customer: rows.map((n) => customer[n]!),
    item: rows.map((n) => item[n]!),
    basket: rows.map((n) => basket[n]!),
    time: Float64Array.from(rows, (n) => time[n]!),
    quantity: Float64Array.from(rows, (n) => quantity[n]!),
    value: Float64Array.from(rows, (n) => value[n]!),
  };
}

interface Chosen {
  readonly shipped: Readonly<Record<SlotName, Setting>>;
  readonly share: number;
  /** Every algorithm's best settings. */
  readonly singles: readonly Setting[];
  readonly context: SearchContext;
}

/** The portfolio and every single algorithm on both questions, with intervals by customer, printed as a table. */
async function measureTest(cases: Cases, { shipped, share, singles, context }: Chosen): Promise<Result[]> {
  const fits = fitOnce((setting) => fitSetting(setting, cases.before, context));
  const shelf = makeShelf(cases.before, 1);
  const { seed } = context.config;
  const score = (lister: Lister, question: 'overall' | 'discover') =>
    evaluate(lister, cases, question, { k: [10], catalogue: cases.before.items, goal: RECALL10 });
  /** One model's list of everything, bought or not. */
  const everything =
    (model: Model): Lister =>
    (profile, k) =>
      rank(model, profile, shelf, { slot: 'discover', k, includeBought: true }).map(({ item }) => item);
  const results: Result[] = [];
  const tell = (
    name: string,
    all: Evaluation,
    fresh: Evaluation,
    note: string,
    reference?: [number, number],
  ) => {
    results.push(
      figureResult(
        `${name}all-recall10`,
        bootstrapMean(all.figures, seed),
        reference?.[0] ?? null,
        all.customers,
      ),
      figureResult(
        `${name}discover-recall10`,
        bootstrapMean(fresh.figures, seed),
        reference?.[1] ?? null,
        fresh.customers,
      ),
    );
    const [a, d] = results.slice(-2);
    const cell = (one: Result) =>
      `${one.value.toFixed(4)} (${one.low?.toFixed(4)} … ${one.high?.toFixed(4)})`.padEnd(28);
    console.log(`${(name || 'portfolio').padEnd(22)}${cell(a!)}${cell(d!)}${note}`);
  };
  console.log(`\n${''.padEnd(22)}${'all items, R@10'.padEnd(28)}never bought, R@10`);
  const popularity = await fits(singles.find(({ algorithm }) => algorithm === 'popularity')!);
  const reference: [number, number] = [
    (await score(everything(popularity), 'overall')).figure,
    (await score(listerOf(popularity, shelf, 'discover'), 'discover')).figure,
  ];
  const [reorder, discover] = [await fits(shipped.reorder), await fits(shipped.discover)];
  const all = await score(nextOrderLister(reorder, discover, shelf, share), 'overall');
  const fresh = await score(listerOf(discover, shelf, 'discover'), 'discover');
  tell(
    '',
    all,
    fresh,
    `${settingKey(shipped.reorder)} + ${share} × ${settingKey(shipped.discover)}`,
    reference,
  );
  const better: string[] = [];
  for (const setting of singles) {
    const model = await fits(setting);
    const one = await score(everything(model), 'overall');
    const other = await score(listerOf(model, shelf, 'discover'), 'discover');
    const leads = [
      bootstrapDifference(one.figures, all.figures, seed),
      bootstrapDifference(other.figures, fresh.figures, seed),
    ];
    if (leads.every(({ mean }) => mean > 0)) better.push(settingKey(setting));
    tell(`${setting.algorithm}-`, one, other, JSON.stringify(setting.options), reference);
  }
  console.log(
    better.length === 0
      ? '\nNo single algorithm is better than the portfolio on both questions.'
      : `\nBetter than the portfolio on both questions: ${better.join(', ')}`,
  );
  return results;
}
