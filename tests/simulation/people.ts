/* People with browsers, and schedules: they ask for things at once and again, and repeat what was not answered. */
import type { Kernel } from './kernel.ts';
import type { SimulatedMessages } from './cloud/messages.ts';
import type { Request } from './operations.ts';
import type { Production } from './production.ts';
import { type ModelPlace, servingSettings } from './scene.ts';

/** A request that was answered: the run it led to. */
export interface Accepted {
  readonly key: string;
  readonly actor: string;
  readonly path: string;
}

type Collection = 'etlRuns' | 'pipelineRuns' | 'deployments';

/** What somebody may do at a moment; what needs a run that there is not yet is not done. */
type Wish = (place: ModelPlace) => void;

/** Times a client makes a request that nobody answers. */
const CLIENT_TRIES = 5;
const OVERLAPS = ['join', 'join', 'queue', 'queue', 'refuse'] as const;

/** Lets people ask, at moments within the next `minutes`. `accepted` and `asking` (those not answered yet) go on growing. */
export function letPeopleAsk(
  kernel: Kernel,
  { operations }: Production,
  messages: SimulatedMessages,
  models: readonly ModelPlace[],
  minutes: number,
): { readonly accepted: readonly Accepted[]; readonly asking: () => number } {
  const { scheduler, random } = kernel;
  const { ask, accepted, asking } = makeClients(kernel);
  const overlap = () => random.pick(OVERLAPS);

  const onRun =
    (collection: Collection, send: (request: Request & { run: string }) => Promise<string>): Wish =>
    (place) => {
      const runs = accepted.filter(({ path }) => path.startsWith(pathOf(place, collection)));
      const [first, ...others] = runs.slice(-3).map(({ path }) => path.split('/').at(-1) ?? '');
      if (first === undefined) return;
      const run = random.pick([first, ...others]);
      ask(place, collection, (request) => send({ ...request, run }));
    };
  const startEtl: Wish = (place) => {
    const wanted = { overlap: overlap() };
    ask(place, 'etlRuns', (request) => operations.startEtl({ ...request, ...wanted }));
  };
  const startPipeline: Wish = (place) => {
    const wanted = { overlap: overlap(), config: random.pick(place.configs), dataset: place.dataset };
    ask(place, 'pipelineRuns', (request) => operations.startPipeline({ ...request, ...wanted }));
  };
  const deploy: Wish = (place) => {
    const version = random.pick(place.versions);
    const settings = servingSettings(random);
    ask(place, 'deployments', (request) => operations.startDeployment({ ...request, version, settings }));
  };
  const split: Wish = (place) => {
    const wanted = { percent: random.pick([0, 40, 100]) };
    ask(place, 'deployments', (request) => operations.splitTraffic({ ...request, ...wanted }));
  };
  let occasions = 0;
  const schedule: Wish = ({ tenant, model }) => {
    const key = `occasion${++occasions}`;
    messages.send('etl-start-requested', { tenant, model, trigger: 'schedule', key, overlap: 'queue' });
  };

  const plan = (place: ModelPlace, wish: Wish, times: number) => {
    for (let time = 0; time < times; time++) {
      const when = scheduler.now() + random.between(0, minutes * 60_000);
      // Impatient people press twice; colleagues press at the same time.
      const presses = random.chance(0.25) ? 2 + random.below(3) : 1;
      for (let press = 0; press < presses; press++)
        scheduler.at(when + random.pick([0, 0, 3, 40, 1500]), () => wish(place));
    }
  };
  for (const place of models) {
    plan(place, startEtl, random.below(3));
    plan(place, startPipeline, random.below(2));
    plan(place, deploy, random.below(2));
    plan(place, onRun('deployments', operations.stopDeployment), random.chance(0.2) ? 1 : 0);
    plan(place, onRun('deployments', operations.rollBackDeployment), random.chance(0.3) ? 1 : 0);
    plan(place, onRun('deployments', operations.rescaleDeployment), random.chance(0.2) ? 1 : 0);
    plan(place, split, random.chance(0.2) ? 1 : 0);
    plan(place, schedule, random.chance(0.2) ? 1 : 0);
    plan(place, onRun('etlRuns', operations.cancelEtl), random.below(2));
    plan(place, onRun('pipelineRuns', operations.cancelPipeline), random.below(2));
    plan(
      place,
      onRun('etlRuns', (request) => operations.retryEtl({ ...request, overlap: overlap() })),
      random.chance(0.3) ? 1 : 0,
    );
    plan(
      place,
      onRun('pipelineRuns', (request) => operations.rerunPipeline({ ...request, overlap: overlap() })),
      random.chance(0.3) ? 1 : 0,
    );
  }
  return { accepted, asking };
}

const pathOf = ({ tenant, model }: ModelPlace, collection: Collection) =>
  `tenants/${tenant}/models/${model}/${collection}/`;

/** Clients of the API: each request in a process of its own, made again under its key until it is answered. */
function makeClients(kernel: Kernel) {
  const { scheduler, random, processes, errors } = kernel;
  const accepted: Accepted[] = [];
  let open = 0;
  let requests = 0;
  const ask = (
    place: ModelPlace,
    collection: Collection,
    send: (request: Request) => Promise<string>,
  ): void => {
    const key = `key${++requests}`;
    const actor = `person${requests}`;
    const { tenant, model } = place;
    open++;
    const attempt = (tries: number): void =>
      void processes.spawn({
        name: `api ${key}`,
        tenant,
        work: () => send({ tenant, model, actor, key }),
        onEnd(ending, result) {
          const answered = ending === 'done';
          if (answered) accepted.push({ key, actor, path: `${pathOf(place, collection)}${String(result)}` });
          const refused = ending === 'failed' && result instanceof errors.TerminalError;
          // The answer may be lost on its way to the browser as well; and some come back after minutes.
          const heard = (answered && !random.chance(0.1)) || refused;
          if (heard || tries === CLIENT_TRIES) open--;
          else {
            const pause = random.chance(0.2) ? random.between(60_000, 240_000) : random.between(200, 8000);
            scheduler.at(scheduler.now() + pause, () => attempt(tries + 1));
          }
        },
      });
    attempt(1);
  };
  return { ask, accepted, asking: () => open };
}
