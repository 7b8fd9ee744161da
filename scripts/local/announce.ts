import { parseArgs } from 'node:util';

/** Tells the supervisor that this process is up; `facts` is what it should know (its port, …). */
export function announceReady(facts: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`READY ${JSON.stringify(facts)}\n`);
}

/** The `--name value` arguments of a piece. @throws when a required one is missing or an unknown one is given. */
export function pieceArguments<Name extends string>(...names: readonly Name[]): Record<Name, string> {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ options });
  const missing = names.filter((name) => values[name] === undefined);
  if (missing.length > 0) throw new Error(`missing: ${missing.map((name) => `--${name}`).join(' ')}`);
  return values as Record<Name, string>; // every name is present, as checked above
}

/** Runs `close` once, on SIGTERM or SIGINT, and then leaves with exit code 0. */
export function onShutdown(close: () => Promise<void> | void): void {
  let closing = false;
  const leave = (): void => {
    if (closing) return;
    closing = true;
    void Promise.resolve(close()).finally(() => process.exit(0));
  };
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
}
