/* Cloud Run as one load sees it: executions of tasks in processes of their own, tried again when they die, ended when told. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { ContainerPlatform, WorkState } from '#cloud/run';
import type { Order, Task, Word } from './worker.ts';

/** What is to become of a process: at which of its writes it dies, or after how many milliseconds; 0: not so. */
export interface Fate {
  readonly point: number;
  readonly afterMs: number;
}

/** Processes, some of them waiting for work: to start one takes longer than most tasks. */
export interface WorkerPool {
  readonly take: () => ChildProcess;
  readonly giveBack: (worker: ChildProcess) => void;
  readonly close: () => void;
}

export function openWorkerPool(file: string, env: NodeJS.ProcessEnv, spares: number): WorkerPool {
  const idle: ChildProcess[] = [];
  const all = new Set<ChildProcess>();
  const start = (): ChildProcess => {
    const worker = spawn(process.execPath, ['--no-warnings', file], {
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    all.add(worker);
    // What is said to one that has just been killed is heard by nobody.
    worker.on('error', () => undefined);
    worker.once('exit', () => {
      all.delete(worker);
      const at = idle.indexOf(worker);
      if (at >= 0) idle.splice(at, 1);
    });
    return worker;
  };
  for (let n = 0; n < spares; n++) idle.push(start());
  return {
    take() {
      const worker = idle.shift() ?? start();
      while (idle.length < spares) idle.push(start());
      return worker;
    },
    giveBack: (worker) => void idle.push(worker),
    close() {
      for (const worker of all) worker.kill('SIGKILL');
    },
  };
}

interface Execution {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  state: WorkState['state'];
  cancelled: boolean;
  readonly workers: Set<ChildProcess>;
}

export interface Containers extends Pick<
  ContainerPlatform,
  'startJob' | 'executionsWith' | 'executionState' | 'cancelExecution'
> {
  /** All processes of it learn that clocks are ahead. */
  readonly tellAhead: (ahead: number) => void;
  /** Whether no process is at work. */
  readonly idle: () => boolean;
}

/** Tries of a task after the first, as the runner is deployed. */
const MAX_RETRIES = 3;

/**
 * The platform. `tasks`: how many of each execution; `fateOf`: of the process that a task gets next; `killed`, `said`: told of
 * each death, and of what processes print.
 */
export function openContainers(options: {
  readonly pool: WorkerPool;
  readonly env: Readonly<Record<string, string>>;
  readonly unitBytes: number;
  readonly tasks: () => number;
  readonly fateOf: () => Fate;
  readonly ahead: () => number;
  readonly killed: (where: string) => void;
  readonly ended: (writes: number) => void;
  readonly said: (text: string) => void;
}): Containers {
  const executions: Execution[] = [];
  const busy = new Set<ChildProcess>();

  /** One process's try of a task. @returns whether it came to its own end well. */
  const attempt = (execution: Execution, order: Task, fate: Fate): Promise<boolean> => {
    const worker = options.pool.take();
    busy.add(worker);
    execution.workers.add(worker);
    worker.send({ ahead: options.ahead() } satisfies Order);
    worker.send({ task: order } satisfies Order);
    return new Promise((resolve) => {
      let where = 'at a random moment';
      const timer = fate.afterMs > 0 ? setTimeout(() => worker.kill('SIGKILL'), fate.afterMs) : undefined;
      const output = (chunk: Buffer) => options.said(chunk.toString());
      const leave = (well: boolean) => {
        clearTimeout(timer);
        busy.delete(worker);
        execution.workers.delete(worker);
        for (const stream of [worker.stdout, worker.stderr]) stream?.off('data', output);
        worker.off('message', heard).off('exit', gone);
        resolve(well);
      };
      const heard = (word: Word) => {
        if ('dies' in word) {
          where = word.dies;
          return;
        }
        options.ended(word.writes);
        leave(word.done);
        options.pool.giveBack(worker);
      };
      const gone = () => {
        if (!execution.cancelled) options.killed(where);
        leave(false);
      };
      worker.stdout?.on('data', output);
      worker.stderr?.on('data', output);
      worker.on('message', heard).once('exit', gone);
    });
  };

  const runTask = async (execution: Execution, task: number, tasks: number): Promise<boolean> => {
    const env = { ...options.env, ...execution.env };
    for (let tries = 0; tries <= MAX_RETRIES && !execution.cancelled; tries++) {
      const fate = options.fateOf();
      const order: Task = {
        env,
        task,
        tasks,
        attempt: tries,
        unitBytes: options.unitBytes,
        point: fate.point,
      };
      if (await attempt(execution, order, fate)) return true;
    }
    return false;
  };

  return {
    startJob(_job, { env }) {
      const execution: Execution = {
        name: `execution-${executions.length + 1}-${env['TRADEWIND_RUN']}`,
        env,
        state: 'running',
        cancelled: false,
        workers: new Set(),
      };
      executions.push(execution);
      const tasks = options.tasks();
      void Promise.all(Array.from({ length: tasks }, (_, task) => runTask(execution, task, tasks))).then(
        (well) => (execution.state = well.every(Boolean) ? 'succeeded' : 'failed'),
      );
      return Promise.resolve(execution.name);
    },
    executionsWith: (_job, env) =>
      Promise.resolve(
        executions
          .filter((one) => Object.entries(env).every(([key, value]) => one.env[key] === value))
          .map(({ name }) => name),
      ),
    executionState: (name) => {
      const found = executions.find((one) => one.name === name);
      return Promise.resolve({ state: found?.state ?? 'unknown', message: '' } as WorkState);
    },
    cancelExecution(name) {
      const found = executions.find((one) => one.name === name);
      if (found !== undefined && found.state === 'running') {
        found.cancelled = true;
        for (const worker of found.workers) worker.kill('SIGKILL');
      }
      return Promise.resolve();
    },
    tellAhead(ahead) {
      for (const worker of busy) if (worker.connected) worker.send({ ahead } satisfies Order);
    },
    idle: () => busy.size === 0,
  };
}
