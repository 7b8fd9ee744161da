/** How much of a customer's server a load may take: how long a statement may run, connections at once, lag of a replica. */
import { z } from 'zod';
import type { SourceKind, SourceSettings } from './source.ts';

/** A statement that is not done within this, and nothing else said, is ended: an hour. */
export const STATEMENT_MINUTES = 60;
/** Eight tasks read at most, and one more connection holds the moment that they read. */
export const CONNECTIONS = 9;
/** Five minutes. */
export const LAG_SECONDS = 300;

/** The longest that one statement may run, in minutes; left out: an hour. Reading a unit of a table is one statement. */
export const StatementMinutes = z
  .int()
  .min(1)
  .max(24 * 60);

/**
 * Connections that all tasks of a load hold at once, at most; left out: nine. One of them holds the moment that is read, so
 * fewer than two read nothing.
 */
export const MaxConnections = z.int().min(2).max(50);

/**
 * Where the server is a replica that is further behind than this, in seconds, a load waits before it reads on. Null: it never
 * does; left out: five minutes.
 */
export const MaxLagSeconds = z.int().min(1).max(86_400).nullable();

/** Connections that a load holds of a kind of source: as many as the source lets it, one, or none, for it makes calls. */
const HELD: Readonly<Record<SourceKind, 'several' | 'one' | 'none'>> = {
  postgres: 'several',
  // One session reads all tables, for no other can read its snapshot.
  mysql: 'one',
  sqlserver: 'one',
  bigquery: 'none',
  csv: 'none',
  parquet: 'none',
};

/** Connections that a load may hold at once, the one that holds the moment included; null where it holds none. */
export function connectionLimit(settings: SourceSettings): number | null {
  const held = HELD[settings.kind];
  if (held === 'none') return null;
  return held === 'one' ? 1 : limitsOf(settings).maxConnections;
}

/** Tasks of a load that can read the source at once; null: any number. 0: the one that plans the load reads it alone. */
export function readerLimit(settings: SourceSettings): number | null {
  const most = connectionLimit(settings);
  return most === null ? null : most - 1;
}

/** Settings that may say such things. */
export interface Limited {
  readonly statementMinutes?: number | undefined;
  readonly maxConnections?: number | undefined;
  readonly maxLagSeconds?: number | null | undefined;
}

/** The limits of a source, with what it leaves out. */
export function limitsOf(settings: Limited & { readonly kind?: string }): {
  readonly statementMs: number;
  readonly maxConnections: number;
  readonly maxLagSeconds: number | null;
} {
  const { statementMinutes, maxConnections, maxLagSeconds } = settings;
  return {
    statementMs: Math.round((statementMinutes ?? STATEMENT_MINUTES) * 60_000),
    maxConnections: maxConnections ?? CONNECTIONS,
    maxLagSeconds: maxLagSeconds === undefined ? LAG_SECONDS : maxLagSeconds,
  };
}
