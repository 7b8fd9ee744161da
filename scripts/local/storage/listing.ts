/** One page of a bucket's listing, with the folder-like grouping of `delimiter`. */
import type { ObjectRecord } from './object-store.ts';

/** What a list call asks for. `pageToken` is the last name or prefix of the page before, base64url. */
export interface ListQuery {
  readonly prefix: string;
  readonly delimiter: string;
  readonly pageToken: string | null;
  readonly maxResults: number;
  readonly startOffset: string | null;
  readonly endOffset: string | null;
}

export function readListQuery(query: URLSearchParams): ListQuery {
  const asked = Number(query.get('maxResults') ?? 1000);
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    pageToken: query.get('pageToken'),
    maxResults: Number.isInteger(asked) && asked > 0 ? Math.min(asked, 1000) : 1000,
    startOffset: query.get('startOffset'),
    endOffset: query.get('endOffset'),
  };
}

const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** The page of `records` (in name order) that `list` asks for. Objects and prefixes count alike towards `maxResults`. */
export function pageOf(
  records: readonly ObjectRecord[],
  list: ListQuery,
): { readonly items: ObjectRecord[]; readonly prefixes: string[]; readonly nextPageToken: string | null } {
  const after = list.pageToken === null ? null : Buffer.from(list.pageToken, 'base64url').toString('utf8');
  const items: ObjectRecord[] = [];
  const prefixes: string[] = [];
  let last = '';
  for (const record of records) {
    if (!record.name.startsWith(list.prefix)) continue;
    if (list.startOffset !== null && order(record.name, list.startOffset) < 0) continue;
    if (list.endOffset !== null && order(record.name, list.endOffset) >= 0) continue;
    const cut = list.delimiter === '' ? -1 : record.name.indexOf(list.delimiter, list.prefix.length);
    const entry = cut < 0 ? record.name : record.name.slice(0, cut + list.delimiter.length);
    if (after !== null && (order(entry, after) <= 0 || (cut >= 0 && entry === after))) continue;
    if (cut >= 0 && prefixes.includes(entry)) continue;
    if (items.length + prefixes.length === list.maxResults)
      return { items, prefixes, nextPageToken: Buffer.from(last).toString('base64url') };
    if (cut < 0) items.push(record);
    else prefixes.push(entry);
    last = entry;
  }
  return { items, prefixes, nextPageToken: null };
}
