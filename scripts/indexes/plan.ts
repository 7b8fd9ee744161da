import { z } from 'zod';
import { COLLECTIONS, EXPIRING, FIELDS, QUERIES, type Query, UNSEARCHED } from './queries.ts';

/** The file that `firebase deploy` reads. */
export interface IndexFile {
  readonly indexes: readonly Index[];
  readonly fieldOverrides: readonly Override[];
}
interface Index {
  readonly collectionGroup: string;
  readonly queryScope: 'COLLECTION' | 'COLLECTION_GROUP';
  readonly fields: readonly { readonly fieldPath: string; readonly order: Order }[];
}
interface Override {
  readonly collectionGroup: string;
  readonly fieldPath: string;
  readonly ttl?: true;
  readonly indexes: readonly { readonly order: Order; readonly queryScope: Index['queryScope'] }[];
}
type Order = 'ASCENDING' | 'DESCENDING';

/** A contract, as far as it matters here: any value that has a path and a query. */
const Listed = z.object({ path: z.string(), query: z.instanceof(z.ZodObject) });

/** Keys of a list's query that are no filters. */
const NO_FILTERS: readonly string[] = ['limit', 'after', 'sort', 'order', 'deleted', 'search'];

/**
 * Every index that the product's queries need, sorted. A query of several equal fields is answered by Firestore from
 * the indexes of each of them, as long as all of them continue in the same order; so each filter needs one per order,
 * not one per combination.
 * @param contracts everything that the modules of functions/core/api export
 */
export function planIndexes(contracts: readonly unknown[]): IndexFile {
  const queries = [...contracts.flatMap(queriesOf), ...QUERIES];
  const indexes = queries.flatMap((query) => {
    const { equal = [], by } = query;
    return by === undefined ? [] : equal.map((field) => composite(query, field, by));
  });
  return { indexes: unique(indexes), fieldOverrides: overrides(queries) };
}

/** The queries behind a list; none where the value is no list that is filtered or sorted. */
function queriesOf(value: unknown): Query[] {
  const { data } = Listed.safeParse(value);
  const shape: Readonly<Record<string, unknown>> = data?.query.shape ?? {};
  const sorts = sortsOf(shape['sort']);
  if (data === undefined || sorts === null) return [];
  const collection = collectionOf(data.path);
  const field = (name: string) => FIELDS[collection]?.[name] ?? name;
  const present = 'deleted' in shape ? ['deletedAt'] : [];
  const filters = Object.keys(shape)
    .filter((name) => !NO_FILTERS.includes(name))
    .map(field);
  const orders = sorts.flatMap((sort) => [[sort, 'asc'] as const, [sort, 'desc'] as const]);
  if ('search' in shape) orders.push([searchField(collection), 'asc']);
  return [
    ...orders.map((by): Query => ({ collection, equal: [...filters, ...present], by })),
    // What was deleted, the last first; or by name.
    ...present.map((): Query => ({ collection, equal: filters, by: ['deletedAt', 'desc'] })),
    ...('search' in shape
      ? present.map((): Query => ({ collection, equal: [searchField(collection)], by: ['deletedAt', 'asc'] }))
      : []),
  ];
}

function searchField(collection: string): string {
  return FIELDS[collection]?.['search'] ?? 'name';
}

function sortsOf(sort: unknown): readonly string[] | null {
  if (!(sort instanceof z.ZodDefault)) return null;
  const inner: unknown = sort.unwrap();
  return inner instanceof z.ZodEnum ? inner.options.map(String) : null;
}

/** `…/etl/runs` is etlRuns, `…/connection-tests` connectionTests, `…/sources` sources. */
function collectionOf(path: string): string {
  const named = COLLECTIONS[path];
  if (named !== undefined) return named;
  const parts = path.replace(/^\/api\/(operator\/)?/, '').split('/');
  const last = parts.at(-1) ?? '';
  const before = parts.at(-2) ?? '';
  const words = before === '' || before.startsWith('{') ? [last] : [before.replace(/s$/, ''), last];
  return words.join('-').replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function composite({ collection, everywhere }: Query, field: string, by: NonNullable<Query['by']>): Index {
  return {
    collectionGroup: collection,
    queryScope: everywhere === true ? 'COLLECTION_GROUP' : 'COLLECTION',
    fields: [
      { fieldPath: field, order: 'ASCENDING' },
      { fieldPath: by[0], order: by[1] === 'asc' ? 'ASCENDING' : 'DESCENDING' },
    ],
  };
}

/**
 * Fields that are not indexed as Firestore does by itself. An override replaces what it does by itself, so it says the
 * two orders within one collection again.
 */
function overrides(queries: readonly Query[]): Override[] {
  const single = queries.flatMap(({ collection, everywhere, equal = [], by }) => {
    const fields = [...equal, ...(by === undefined ? [] : [by[0]])];
    const [field] = fields;
    return everywhere === true && fields.length === 1 && field !== undefined ? [{ collection, field }] : [];
  });
  return unique([
    ...EXPIRING.map(([collectionGroup, fieldPath]): Override => ({
      collectionGroup,
      fieldPath,
      ttl: true,
      indexes: [],
    })),
    ...UNSEARCHED.map(([collectionGroup, fieldPath]): Override => ({
      collectionGroup,
      fieldPath,
      indexes: [],
    })),
    ...single.map(({ collection, field }): Override => ({
      collectionGroup: collection,
      fieldPath: field,
      indexes: [
        { order: 'ASCENDING', queryScope: 'COLLECTION' },
        { order: 'DESCENDING', queryScope: 'COLLECTION' },
        { order: 'ASCENDING', queryScope: 'COLLECTION_GROUP' },
      ],
    })),
  ]);
}

function unique<T>(all: readonly T[]): T[] {
  const byText = new Map(all.map((one) => [JSON.stringify(one), one]));
  return [...byText.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}
