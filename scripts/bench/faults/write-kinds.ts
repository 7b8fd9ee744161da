/* The writes at which processes die, by what they are: addresses without what differs from run to run. Pure. */

const BIGQUERY = '/bigquery/v2/projects/[^/]+/';

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/Firestore\/Commit$/, 'a Firestore commit'],
  [new RegExp(`POST .*${BIGQUERY}jobs/[^/]+/cancel$`), 'a BigQuery job’s cancellation'],
  [new RegExp(`POST .*${BIGQUERY}jobs$`), 'a BigQuery job'],
  [new RegExp(`POST .*${BIGQUERY}datasets/[^/]+/tables$`), 'a BigQuery table’s creation'],
  [new RegExp(`POST .*${BIGQUERY}datasets$`), 'a BigQuery data set’s creation'],
  [new RegExp(`PATCH .*${BIGQUERY}`), 'a BigQuery table’s change'],
  [new RegExp(`DELETE .*${BIGQUERY}`), 'a BigQuery table’s removal'],
  [/POST .*\/token$/, 'a sign-in'],
  [/DELETE .*\/b\/[^/]+\/o\//, 'an object’s removal'],
  [/(POST|PUT|PATCH) .*\/(upload|storage|b|o)\b/, 'an object’s writing'],
];

/** `before a BigQuery job` of `before POST 127.0.0.1/bigquery/v2/projects/p/jobs`; what it is told where it knows no better. */
export function writeKind(where: string): string {
  const [, moment = '', what = where] = /^(before|after) (.*)$/s.exec(where) ?? [];
  const kind = KINDS.find(([form]) => form.test(what))?.[1];
  if (kind !== undefined) return `${moment} ${kind}`;
  return where.replace(/[0-9a-f]{8,}\S*|\d+/g, '…').slice(0, 80);
}

/** The kills among faults by their names, a line for each kind of write: so many before it, so many after it. */
export function killsTold(byFault: Readonly<Record<string, number>>): string {
  const rows = new Map<string, { before: number; after: number; other: number }>();
  for (const [fault, count] of Object.entries(byFault)) {
    const [, when, what = ''] = /^killed (?:(before|after) )?(.*)$/s.exec(fault) ?? [];
    if (what === '') continue;
    const row = rows.get(what) ?? { before: 0, after: 0, other: 0 };
    row[when === 'before' || when === 'after' ? when : 'other'] += count;
    rows.set(what, row);
  }
  return [...rows]
    .sort(([, a], [, b]) => b.before + b.after + b.other - (a.before + a.after + a.other))
    .map(([what, { before, after, other }]) =>
      other > 0 ? `  ${other} ${what}` : `  ${before} before and ${after} after ${what}`,
    )
    .join('\n');
}
