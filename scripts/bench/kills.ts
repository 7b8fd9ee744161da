/* Kills on the real stack: every event function and container, before and after each of its writes, until so many are done. */
import { parseArgs } from 'node:util';
import { startKillStack } from '#tests/kill-stack';
import { tell, walkPoints, type Told } from '#tests/kill-story';

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    kills: { type: 'string', default: '250' },
    json: { type: 'boolean', default: false },
  },
});
if (values.help === true) {
  console.log(`npm run bench -- kills [--kills N] [--json]

Loads, trains and deploys on a local cloud of its own while the processes of every event function and container are ended by
SIGKILL, before and after each write, one point after the other, until N (250) processes were killed. Prints who was killed
how often, and how each story ended; --json prints that as one line.`);
} else {
  const stack = await startKillStack(['etl', 'pipelines', 'deployments']);
  const told: Told[] = [];
  const begun = performance.now();
  try {
    // The clients find the cloud by these, as functions do.
    Object.assign(process.env, stack.cloud.env, { NODE_OPTIONS: '' });
    const points = walkPoints();
    while (stack.kills().length < Number(values.kills)) {
      told.push(await tell(stack, points));
      if (!values.json) {
        const last = told.at(-1);
        console.log(`${stack.kills().length} kills; load ${last?.etl}, training ${last?.pipeline}`);
      }
    }
    const seconds = Math.round((performance.now() - begun) / 1000);
    const kills = stack.kills();
    const by = Object.fromEntries(
      [...Map.groupBy(kills, (kill) => kill.split(' ')[0] ?? '')].map(([name, all]) => [name, all.length]),
    );
    const wrong = told.flatMap((story) => story.wrong);
    if (values.json) console.log(JSON.stringify({ kills: kills.length, by, told, wrong, seconds }));
    else {
      for (const [name, times] of Object.entries(by))
        console.log(`${name.padEnd(32)} ${String(times).padStart(4)}`);
      console.log(`${kills.length} kills in ${told.length} stories, ${seconds} s; ${wrong.length} wrong`);
      for (const line of wrong) console.log(`  ${line}`);
    }
    process.exitCode = wrong.length === 0 ? 0 : 1;
  } finally {
    await stack.close();
  }
}
