/** Which tables a data set shows, and how each is: tables, views, and the dated shards of one table as one. */
import { TerminalError } from '#core/errors';
import type { TableDescription, TableListing } from '../connector.ts';
import type { BigQueryClient } from './client.ts';
import type { TableResource } from './resources.ts';
import type { RowChoice } from './select.ts';
import { type ColumnPlan, PARTITION_TIME, PARTITION_TIME_PLAN, planColumn } from './types.ts';

/** One table a day, as Google Analytics and others write them. */
const SHARD = /^(.*\D)(\d{8})$/s;

/** A table to be read: by its own name, or `prefix*` for all of its shards. */
export interface ListedTable {
  readonly name: string;
  readonly type: string;
  /** Of shards: the name of the newest, which is described for all. */
  readonly newest: string | null;
}

/** Types of tables that keep what they were, so that they can be read as of a moment. */
const WITH_PAST: readonly string[] = ['TABLE'];
/** What a copy of a moment takes: no view, which is read with the rights of whoever reads it, and no table of files outside. */
const COPIED: readonly string[] = ['TABLE'];

/** Whether the table can be read as it was at a moment. */
export function hasPast({ type, newest }: ListedTable): boolean {
  return newest === null && WITH_PAST.includes(type);
}

/** `found` as a source shows them: at least two shards of a name are one table. Names that cannot be named stay out. */
export function groupShards(
  found: readonly { readonly name: string; readonly type: string }[],
): readonly ListedTable[] {
  const shards = new Map<string, string[]>();
  for (const { name, type } of found) {
    const prefix = type === 'TABLE' ? SHARD.exec(name)?.[1] : undefined;
    if (prefix !== undefined) shards.set(prefix, [...(shards.get(prefix) ?? []), name]);
  }
  const together = [...shards].filter(([, names]) => names.length > 1);
  const grouped = new Set(together.flatMap(([, names]) => names));
  return [
    ...found.filter(({ name }) => !grouped.has(name)).map(({ name, type }) => ({ name, type, newest: null })),
    ...together.map(([prefix, names]) => ({
      name: `${prefix}*`,
      type: 'TABLE',
      newest: names.toSorted().at(-1) ?? null,
    })),
  ].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What of `tables` the account can read. The installation's own account copies, and so takes tables alone. */
export function readableBy(own: boolean, tables: readonly ListedTable[]): readonly ListedTable[] {
  return own ? tables.filter(({ type, newest }) => newest === null && COPIED.includes(type)) : tables;
}

const KINDS: Readonly<Record<string, TableListing['kind']>> = {
  VIEW: 'view',
  MATERIALIZED_VIEW: 'view',
  EXTERNAL: 'foreign',
};

/** The listing of a table; its size where BigQuery keeps one. */
export function listingOf({ name, type, newest }: ListedTable, facts: TableResource | null): TableListing {
  const partitioned =
    newest !== null || facts?.timePartitioning !== undefined || facts?.rangePartitioning !== undefined;
  // The newest shard says nothing of how large the others are.
  const sized = newest === null && (facts?.numRows ?? 0) > 0;
  return {
    name,
    kind: KINDS[type] ?? (partitioned ? 'partitioned' : 'table'),
    estimatedRows: sized ? (facts?.numRows ?? null) : null,
    estimatedBytes: sized ? (facts?.numBytes ?? null) : null,
    comment: facts?.description ?? null,
  };
}

/** A table with everything that reading it is planned from. */
export interface Relation {
  readonly listed: ListedTable;
  readonly facts: TableResource;
  readonly plans: readonly ColumnPlan[];
  readonly description: TableDescription;
}

/** @throws TerminalError `table-not-found`, `table-needs-key` */
export async function describeTable(client: BigQueryClient, name: string): Promise<Relation> {
  const listed = await findTable(client, name);
  const facts = await client.table(listed.newest ?? listed.name);
  if (facts === null) throw notFound(client, name);
  const now = { ...listed, type: facts.type };
  if (readableBy(client.api.own, [now]).length === 0)
    throw new TerminalError(
      'table-needs-key',
      `${client.name}.${name} is ${now.newest === null ? `of type ${facts.type}` : 'one table of many shards'}, which is not read without a key: it would be read with the rights of the installation.`,
      { remedy: 'Set the key of a service account that may read it, or save what it shows as a table.' },
    );
  const planned = facts.schema.fields.map(planColumn);
  const arrival = facts.timePartitioning !== undefined && facts.timePartitioning.field === undefined;
  const plans = [
    ...planned.flatMap((plan) => (plan.column === null ? [] : [plan])),
    ...(arrival && now.newest === null ? [PARTITION_TIME_PLAN] : []),
  ];
  const described = new Set(plans.map(({ column }) => column.name));
  const key = facts.tableConstraints?.primaryKey?.columns ?? [];
  const notes = [
    ...planned.flatMap(({ note }) => note ?? []),
    ...plans.flatMap((plan) => (plan === PARTITION_TIME_PLAN ? (plan.note ?? []) : [])),
    ...(now.newest === null
      ? []
      : [`All tables ${name} are read as one, with the columns of the newest, ${now.newest}`]),
    ...(hasPast(now) || facts.type === 'SNAPSHOT'
      ? []
      : ['It is read as it is when its turn comes, not at the moment of the other tables']),
    ...(key.length > 0 ? ['BigQuery does not see to it that the primary key is unique'] : []),
  ];
  return {
    listed: now,
    facts,
    plans,
    description: {
      ...listingOf(now, facts),
      columns: plans.map(({ column }) => column),
      key: key.every((column) => described.has(column)) ? key : [],
      notes,
    },
  };
}

async function findTable(client: BigQueryClient, name: string): Promise<ListedTable> {
  if (!name.endsWith('*')) return { name, type: 'TABLE', newest: null };
  const found = groupShards(await client.tables()).find((one) => one.name === name);
  if (found === undefined) throw notFound(client, name);
  return found;
}

function notFound(client: BigQueryClient, name: string): TerminalError {
  return new TerminalError(
    'table-not-found',
    `The data set ${client.name} has no table "${name.slice(0, 300)}".`,
    {
      remedy: 'Discover the tables of the source again.',
    },
  );
}

/** What the statements over a table must say to be allowed, and to read all of its rows. */
export function wholeChoice({ facts, listed }: Relation): Omit<RowChoice, 'range'> {
  const { timePartitioning, rangePartitioning } = facts;
  const wanted = facts.requirePartitionFilter || timePartitioning?.requirePartitionFilter === true;
  const column = rangePartitioning?.field ?? timePartitioning?.field ?? PARTITION_TIME;
  const type =
    column === PARTITION_TIME
      ? 'TIMESTAMP'
      : facts.schema.fields.find((field) => field.name === column)?.type.toUpperCase();
  return {
    partition:
      wanted && listed.newest === null ? { column, least: LEAST[type ?? ''] ?? LEAST['DATE']! } : null,
    newestShard: listed.newest?.slice(-8) ?? null,
  };
}

const LEAST: Readonly<Record<string, string>> = {
  DATE: "DATE '0001-01-01'",
  DATETIME: "DATETIME '0001-01-01 00:00:00'",
  TIMESTAMP: "TIMESTAMP '0001-01-01 00:00:00+00'",
  INTEGER: '-9223372036854775808',
  INT64: '-9223372036854775808',
};
