/** How much of a customer's server a load may take: how long a statement may run, connections at once, lag of a replica. */
import { z } from 'zod';

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

/** Settings that may say such things. */
export interface Limited {
  readonly statementMinutes?: number | undefined;
  readonly maxConnections?: number | undefined;
  readonly maxLagSeconds?: number | null | undefined;
}

/** The limits of a source, with what it leaves out. */
export function limitsOf(settings: Limited): {
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
