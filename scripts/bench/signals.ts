import { parseArgs } from 'node:util';
import { DEMO } from '#scripts/demo/wholesaler';
import { cpuSeconds, makeResult, peakRssMiB, writeReport } from './report/results.ts';
import { measureAccounts } from './signals/accounts.ts';
import { measureAssortments, measureForgotten } from './signals/assortments.ts';
import { measureDates } from './signals/dates.ts';
import { makeScene, type Figure } from './signals/scene.ts';
import { measureSupersessions } from './signals/supersessions.ts';

const HELP = `npm run bench -- signals [--seed N] [--report FILE]

Asks whether what is planted in the demo wholesaler comes back as signals: re-order dates, lapsed and shrinking accounts,
successors, the categories of each account's trades, items missing from a basket. Each beside a plain reference.
--seed    another company like it; settings were tuned on 7 and 8, the report is of ${DEMO.seed}
--report  writes {bench, machine, results}`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    seed: { type: 'string', default: String(DEMO.seed) },
    report: { type: 'string' },
  },
});

function main(): void {
  const scene = makeScene(Number(values.seed));
  const began = cpuSeconds();
  const figures: Figure[] = [
    ...measureDates(scene),
    ...measureAccounts(scene),
    ...measureSupersessions(scene),
    ...measureAssortments(scene),
    ...measureForgotten(scene),
  ];
  const used = cpuSeconds() - began;
  for (const { name, value, reference, against, n } of figures) {
    const beside = reference === null ? '' : `${reference.toFixed(3).padStart(9)}  ${against}`;
    console.log(`${name.padEnd(38)}${value.toFixed(3).padStart(9)}${beside.padEnd(52)}  n ${n}`);
  }
  console.log(`\n${used.toFixed(1)} CPU s, peak ${peakRssMiB()} MiB`);
  const results = figures.map(({ name, unit, n, value, reference }) =>
    makeResult(name, unit, n, value, reference),
  );
  writeReport('signals', values.report, results);
}

if (values.help === true) console.log(HELP);
else main();
