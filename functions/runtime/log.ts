import type { LogLine, Severity } from '#core/log';
import { toMoment } from '#core/ids';
import { redactFields, redactText } from '#core/redact';
import { currentTrace } from '#store/trace';

export type Fields = Readonly<Record<string, string | number | boolean | null>>;

/** Says what happens, as structured lines. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/**
 * A log whose lines go to `write`. `source` names who speaks. Secrets are masked, control characters escaped, long texts
 * cut; each line names the request that the work goes back to.
 */
export function makeLog(source: string, clock: () => number, write: (line: LogLine) => void): Log {
  const say =
    (severity: Severity) =>
    (message: string, fields?: Fields): void => {
      const requestId = currentTrace()?.requestId;
      write({
        at: toMoment(clock()),
        severity,
        message: redactText(message),
        source,
        ...(requestId === undefined ? {} : { requestId }),
        ...(fields === undefined ? {} : { fields: redactFields(fields) }),
      });
    };
  return { debug: say('DEBUG'), info: say('INFO'), warn: say('WARNING'), error: say('ERROR') };
}

/** One JSON object a line on stdout: the form Cloud Logging reads (`severity`, `message`, `time`, fields). */
export function writeToStdout(line: LogLine): void {
  const { at, fields, requestId, ...rest } = line;
  const own = { time: at, ...rest, ...(requestId === undefined ? {} : { requestId }) };
  // Before the fields for the reader, after them so that no field takes the place of one's own.
  process.stdout.write(`${JSON.stringify({ ...own, ...fields, ...own })}\n`);
}
