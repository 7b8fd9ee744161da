/** An alert as an e-mail: pure. */
import type { AlertKind, AlertMessage } from '#core/alert';

const WHAT: Readonly<Record<AlertKind, string>> = {
  etl: 'The load of',
  pipeline: 'The pipeline',
  schedule: 'The schedule',
  deployment: 'The deployment of',
};

/** Subject and text. What comes from outside is on one line each, and cut: nobody writes a mail of their own by a name. */
export function mailText(message: AlertMessage): { readonly subject: string; readonly text: string } {
  const { subject, model, cause, at, type, id } = message;
  if (subject === null)
    return {
      subject: 'Tradewind: a test message',
      text: 'This is a test of an alert channel. Nothing has happened.\n',
    };
  const name = `“${line(subject.name, 80)}”`;
  const of = subject.id === model?.id || model === null ? '' : ` of “${line(model.name, 80)}”`;
  const head = `${WHAT[subject.kind]} ${name}${of} ${type === 'alert.failed' ? 'fails' : 'is well again'}`;
  const why = type === 'alert.failed' ? 'Why' : 'It had failed because';
  return {
    subject: `Tradewind: ${head}`,
    text: [
      `${head}.`,
      `When: ${at}`,
      ...(cause === null ? [] : [`${why}: ${line(cause.message, 1000)} (${line(cause.code, 80)})`]),
      ...(cause?.remedy === null || cause === null || type === 'alert.recovered'
        ? []
        : [`What to do: ${line(cause.remedy, 1000)}`]),
      '',
      `You get this because you are named in an alert channel of Tradewind. Alert ${id}.`,
      '',
    ].join('\n'),
  };
}

function line(text: string, most: number): string {
  const flat = text.replaceAll(/[\s\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  return flat.length > most ? `${flat.slice(0, most - 1)}…` : flat;
}
