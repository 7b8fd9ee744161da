/** Sends many random requests to every endpoint of the API, made from its contracts, and reports what any answer did wrong. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fuzzApi } from '#tests/fuzz/fuzz-api';
import { setup, teardown } from '#tests/local-cloud';

const HELP = `npm run bench -- fuzz [--cases 500] [--seed 1] [--only ENDPOINT] [--report FILE]

Starts a local cloud of its own and sends --cases requests to each endpoint (--only: one, by its contract's name). A fault is
a status of 5xx, no answer within 30 s, an answer that is no problem document, or one that shows the inside. The same seed
sends the same requests.`;

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    report: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];
if (values.help === true) console.log(HELP);
else if (!Number.isInteger(cases) || cases < 1 || !Number.isInteger(seed)) {
  console.error(`--cases "${values.cases}" and --seed "${values.seed}" must be whole numbers.\n\n${HELP}`);
  process.exitCode = 2;
} else {
  await setup();
  try {
    const began = performance.now();
    const report = await fuzzApi(
      { cases, seed, ...(values.only === undefined ? {} : { only: values.only }) },
      (name, faults) => console.log(`${name.padEnd(32)} ${faults === 0 ? 'ok' : `${faults} faults`}`),
    );
    const seconds = (performance.now() - began) / 1000;
    console.log(
      `\n${report.endpoints} endpoints, ${report.requests} requests in ${seconds.toFixed(0)} s (${(report.requests / seconds).toFixed(0)}/s), ${report.faults.length} faults`,
    );
    for (const fault of report.faults.slice(0, 50)) console.error(fault);
    if (values.report !== undefined)
      writeFileSync(
        values.report,
        `${JSON.stringify({ bench: 'fuzz', cases, seed, seconds, ...report }, null, 2)}\n`,
      );
    process.exitCode = report.faults.length > 0 ? 1 : 0;
  } finally {
    await teardown();
  }
}
