/** A command line, without a shell: every argument is passed as it is. */
export interface Command {
  readonly program: 'gcloud' | 'firebase';
  readonly args: readonly string[];
  /** Environment the command needs beside ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from its standard input: bytes made at that moment and never shown, or a text. */
  readonly input?: { readonly secret: 'new-key' } | { readonly text: string };
  /** The `${NAME}` that this command's output stands for in the step's later commands. */
  readonly capture?: string;
}

/**
 * One resource of the installation. `check` asks for it: where that fails it is made; where it answers something else than
 * `want` it is changed; else there is nothing to do. So a plan may be applied again at any time, also after it was stopped.
 */
export interface Step {
  /** Names the step: `<phase>/<resource>`. */
  readonly id: string;
  /** What is there afterwards, one line. */
  readonly what: string;
  /** Why it is needed; for rights always. */
  readonly why?: string;
  /** Asked first: their output (`capture`) is what the other commands name as `${NAME}`. */
  readonly first?: readonly Command[];
  readonly check?: Command;
  /** What `check` prints (blank lines and outer spaces apart) where all is well; left out, it is enough that it succeeds. */
  readonly want?: string;
  readonly make: readonly Command[];
  /** How an existing one is brought up to date; left out, as it is made. */
  readonly change?: readonly Command[];
}

/** A gcloud command in `project`, which never asks back. */
export function gcloud(project: string, ...args: string[]): Command {
  return { program: 'gcloud', args: [...args, `--project=${project}`, '--quiet'] };
}

/** The command as a person would type it in a shell. Secrets are shown as where they come from. */
export function commandLine({ program, args, env, input, capture }: Command): string {
  const words = [
    ...Object.entries(env ?? {}).map(([name, value]) => `${name}=${quoted(value)}`),
    program,
    ...args.map(quoted),
  ];
  const line = words.join(' ');
  const fed =
    input === undefined
      ? line
      : 'secret' in input
        ? `openssl rand -base64 32 | ${line}`
        : `printf %s ${quoted(input.text)} | ${line}`;
  return capture === undefined ? fed : `${capture}=$(${fed})`;
}

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  // A captured value is to be filled in by the shell.
  if (/^[\w@%+=:,./${}-]+$/.test(word) && word.includes('${')) return `"${word}"`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
