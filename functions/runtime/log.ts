import type { LogLine, Severity } from '#core/log';
import { toMoment } from '#core/ids';

export type Fields = Readonly<Record<string, string | number | boolean | null>>;

/** Says what happens, as structured lines. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/** A log whose lines go to `write`. `source` names who speaks. */
export function makeLog(source: string, clock: () => number, write: (line: LogLine) => void): Log {
  const say =
    (severity: Severity) =>
    (message: string, fields?: Fields): void =>
      write({
        at: toMoment(clock()),
        severity,
        message,
        source,
        ...(fields === undefined ? {} : { fields: { ...fields } }),
      });
  return { debug: say('DEBUG'), info: say('INFO'), warn: say('WARNING'), error: say('ERROR') };
}

/** One JSON object a line on stdout: the form Cloud Logging reads (`severity`, `message`, `time`, fields). */
export function writeToStdout(line: LogLine): void {
  process.stdout.write(
    `${JSON.stringify({ time: line.at, severity: line.severity, message: line.message, source: line.source, ...line.fields })}\n`,
  );
}
