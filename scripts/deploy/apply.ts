import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { type Command, commandLine, type Step } from './step.ts';

/** What a command came to. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
export type Runner = (command: Command) => Promise<Ran>;

/** What became of a step. */
export type Applied = 'made' | 'changed' | 'there';

/** A command that failed: the step stops there, and so does the plan. Applied again, it goes on from what is there. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly step: Step;
  constructor(step: Step, command: Command, { code, stderr }: Ran) {
    super(
      [
        `${step.id}: ${command.program} ended with ${code}.`,
        stderr.trim().split('\n').slice(-6).join('\n'),
        `The command was: ${commandLine(command)}`,
        'Put right what it says, then apply the plan again: what is done is left alone.',
      ].join('\n'),
    );
    this.step = step;
  }
}

/** How Google's tool says that something is not there; anything else it says of a check is trouble, not absence. */
const ABSENT = /NOT_FOUND|not found|does not exist|could not be found|404|Cannot find|was not found/i;

/** Brings one resource about: asks, and makes or changes only what is not as it should be. */
export async function applyStep(step: Step, run: Runner): Promise<Applied> {
  const captured = new Map<string, string>();
  const must = async (command: Command): Promise<Ran> => {
    const ran = await run(filled(command, captured));
    if (ran.code !== 0) throw new StepError(step, command, ran);
    if (command.capture !== undefined) captured.set(command.capture, ran.stdout.trim());
    return ran;
  };
  for (const command of step.first ?? []) await must(command);
  const state = await look(step, (command) => run(filled(command, captured)));
  if (state === 'there') return 'there';
  const commands = state === 'absent' ? step.make : (step.change ?? step.make);
  for (const command of commands) await must(command);
  if (state === 'different' && commands.length === 0) return 'there';
  return state === 'absent' ? 'made' : 'changed';
}

async function look(step: Step, run: Runner): Promise<'there' | 'absent' | 'different'> {
  if (step.check === undefined) return 'absent';
  const { code, stdout, stderr } = await run(step.check);
  if (code !== 0) {
    if (ABSENT.test(stderr)) return 'absent';
    throw new StepError(step, step.check, { code, stdout, stderr });
  }
  const said = normal(stdout);
  if (step.want === undefined) return 'there';
  if (said === normal(step.want)) return 'there';
  // A list that names nothing says that it is not there.
  return said === '' ? 'absent' : 'different';
}

function normal(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text.trim().replaceAll(/\s+/g, ' ').toLowerCase();
  }
}

function filled(command: Command, captured: ReadonlyMap<string, string>): Command {
  const args = command.args.map((arg) =>
    arg.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => captured.get(name) ?? whole),
  );
  return { ...command, args };
}

/** Runs commands as processes; their standard input is what the command says, and no terminal. */
export const runProcess: Runner = (command) =>
  new Promise((resolve) => {
    const child = spawn(command.program, command.args, {
      env: { ...process.env, ...command.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) =>
      resolve({ code: 127, stdout, stderr: `${command.program}: ${error.message}` }),
    );
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
    child.stdin.on('error', () => undefined); // it ended without reading; its exit code says why
    child.stdin.end(inputOf(command));
  });

function inputOf({ input }: Command): string {
  if (input === undefined) return '';
  return 'text' in input ? input.text : randomBytes(32).toString('base64');
}
