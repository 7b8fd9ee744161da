/**
 * What a kind of source can do. One folder per kind implements `Connector`; `registry.ts` lists them; everything
 * else works through these interfaces and never asks for the kind.
 *
 * The life of an extraction:
 *
 *     coordinator:  connect → openSnapshot → describe → safeUpperBound → planUnits … stays connected until all is read
 *     every task:   connect → importSnapshot(token) → extract(unit) … → close
 *
 * A source in the warehouse's own system may let the warehouse take the rows itself: `planTransfer` then stands for
 * `planUnits` and `extract`.
 *
 * A kind whose snapshots belong to one session (`sharedSnapshot: false`) is read by that session alone: the coordinator's
 * extracts all units itself, and nobody imports.
 *
 * All methods may be called again with the same request and then do the same: `extract` of one unit under one
 * snapshot writes the same rows, whoever runs it and however often.
 *
 * Errors: `TerminalError` and `TransientError` from core, whose messages name the value and never hold a secret.
 */
import type { Column } from '#core/column';
import type { TestStep } from '#core/connection-test';
import type { Credentials, SourceKind, SourceSettings } from '#core/source';
import type { TypedFilter } from '#core/typed-filter';
import type { TableWriter } from '#columnar/table-writer';
import type { BigQueryApi } from './bigquery/api.ts';
import type { CloudSqlInstances } from './cloud-sql/instances.ts';
import type { HostGuard } from './hosts.ts';

/**
 * A table as the list of tables shows it; estimates come from the source's statistics and may be null. `name` is the
 * name to use in every other call (`public.orders`, `orders.csv`; parts holding dots or quotes are quoted).
 */
export interface TableListing {
  readonly name: string;
  readonly kind: 'table' | 'view' | 'partitioned' | 'foreign' | 'file';
  readonly estimatedRows: number | null;
  readonly estimatedBytes: number | null;
  readonly comment: string | null;
}

/** A table with its columns. `key` names the primary key's columns in order, empty without one. */
export interface TableDescription extends TableListing {
  readonly columns: readonly Column[];
  readonly key: readonly string[];
  /** What people should know: columns left out and why, clock without a time zone, … */
  readonly notes: readonly string[];
}

/**
 * Codes of TransientErrors that say: the source is not to be reached now. They tell nothing about a table, so a run
 * pauses and begins anew instead of failing what it reads.
 */
export const CONNECTION_FAILURES: readonly string[] = [
  'source-unreachable',
  'source-silent',
  'connection-lost',
  'too-many-connections',
];

/**
 * Code of a TransientError that says: somebody else holds what is to be read (a lock), and the source answered so. The
 * session and its snapshot are as they were.
 */
export const SOURCE_BUSY = 'source-busy';

/**
 * Codes of TransientErrors that say: the moment that was being read is there no more (its session has ended, a file was
 * replaced). To try the same again is in vain; what was not read to its end begins anew, at a new moment.
 */
export const MOMENT_GONE: readonly string[] = ['snapshot-gone', 'object-changed'];

/** A value that JSON and Firestore keep as it is. */
export type PlainValue = string | number | boolean | null;

/**
 * One chunk of a table: the unit of work, of retry and of output files. `part` belongs to the connector that planned
 * it; store it as it is. `id` is unique within the plan and fit for a file name.
 */
export interface Unit {
  readonly id: string;
  readonly table: string;
  readonly part: Readonly<Record<string, PlainValue>>;
  readonly estimatedRows: number | null;
  readonly estimatedBytes: number | null;
  /**
   * The rows are those of this object, all of them, and the warehouse would take it as it is if every value in it fits: what
   * is left to see is that `extract` rejects none. Only where `loadable` was asked for.
   */
  readonly object?: ObjectVersion;
  /** Why the object of the rows cannot be taken as it is. Likewise. */
  readonly written?: string;
  /** On the first: why there are not more, though the table seems to be large; a sentence for the run's log. */
  readonly note?: string;
}

/**
 * A moment of the source, which several sessions can read where the kind's snapshots are shared; `token` is plain text to
 * be handed to the other tasks.
 */
export interface Snapshot {
  readonly token: string;
}

/**
 * Rows to append: those after `after` (null: from the start) up to and including `upTo`. Values are those that
 * `safeUpperBound` returned, opaque to everybody else.
 */
export interface CursorRange {
  readonly column: string;
  readonly after: string | null;
  readonly upTo: string;
}

/** How far an append may read now without ever missing a row that is committed later. */
export interface UpperBound {
  /** Null: there is nothing that may safely be read yet. */
  readonly value: string | null;
  /**
   * `exact`: no row can be missed; `lookback`: transactions longer than the look-back could be missed, `note` says why.
   */
  readonly guarantee: 'exact' | 'lookback';
  readonly note: string | null;
}

/** How to cut a table into units. */
export interface PlanOptions {
  /** Wanted size of a unit in the source, in bytes. */
  readonly targetBytes: number;
  /** At most so many units; sizes grow to keep it. Default 2,000. */
  readonly maxUnits?: number;
  /** Append: only these rows. */
  readonly range?: CursorRange;
  /** How many tasks will take units; for one alone, small ones at the end would be of no use. Default: a few. */
  readonly tasks?: number;
  /** A sample of at most so many rows is wanted: one unit; of very many files the first ones are enough. */
  readonly limit?: number;
  /** The column that people tell rows apart by, or follow them by: what has no blocks may be cut by it. */
  readonly key?: string;
  /**
   * Every row is wanted, with exactly these columns as `describe` gave them, under names that need no change: objects that
   * the warehouse can take as they are may be units as wholes.
   */
  readonly loadable?: readonly Column[];
}

/** A row (or line) that was not taken, and why. */
export interface Reject {
  /** The source's own place: line number of a file, null for databases. */
  readonly line: number | null;
  /** Null when the whole row is at fault. */
  readonly column: string | null;
  /** Stable: `numeric-nan`, `out-of-range`, `field-count`, … */
  readonly reason: string;
  /** The offending value as text, cut to 200 characters. */
  readonly value: string | null;
  /** One sentence for people. */
  readonly message: string;
}

/** One extraction. */
export interface ExtractRequest {
  readonly unit: Unit;
  /**
   * Chosen columns as `describe` gave them, in the order of `writer.columns`; those may have other names (the
   * warehouse's) but must have the same types. Terminal `column-changed` when the source has them no more, or other.
   */
  readonly columns: readonly Column[];
  /** Gets the rows; the caller closes it. */
  readonly writer: TableWriter;
  /** Called for each row left out; what it throws ends the extraction and is thrown on. */
  readonly reject: (reject: Reject) => void;
  /** Only the unit's rows for which this is true, whose columns the table must have; left out: all of them. */
  readonly filter?: TypedFilter;
  /** At most so many of them, whichever come first. */
  readonly limit?: number;
  /** A copy of the unit's `object`, to be read in its place. */
  readonly copy?: ObjectVersion;
  readonly signal: AbortSignal;
  /** Called now and then with totals so far. */
  readonly onProgress?: (progress: { readonly rows: number; readonly bytes: number }) => void;
}

/**
 * How the warehouse takes a table itself, no row passing through us: `from` is copied as it was at `moment`, and of the copy,
 * whose alias is `t`, `expressions` are read where `where` is met. Copying takes tables alone: a view would be read with the
 * rights of whoever reads it. SQL is the warehouse's; names in it are quoted by the connector that wrote it.
 */
export interface Transfer {
  readonly from: { readonly project: string; readonly dataset: string; readonly table: string };
  /** Milliseconds since 1970, by the source's clock. */
  readonly moment: number;
  /** For each column asked for, in order: its value as a wire type (core/column.ts). */
  readonly expressions: readonly string[];
  readonly where: string | null;
  /** At most so many rows, whichever come first; null: all of them. */
  readonly limit: number | null;
  /** Fails the table where a row of the copy meets `when`. */
  readonly refusal: {
    readonly when: string;
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
  } | null;
}

/** Which rows the warehouse is to take; left out: all. */
export interface TransferOptions {
  readonly range?: CursorRange | null;
  /** The column that later ranges are of, which no row may lack. */
  readonly cursor?: string;
  readonly filter?: TypedFilter;
  readonly limit?: number;
}

/** What came out: rows written, rows left out, bytes read from the source. */
export interface ExtractResult {
  readonly rows: number;
  readonly rejected: number;
  readonly bytes: number;
}

/** A connection to one source. Not shared between concurrent calls: one call at a time. */
export interface SourceSession {
  listTables(): Promise<readonly TableListing[]>;
  /**
   * How many seconds the server is behind the one that it is a copy of; null where it is no copy, or does not say. May be
   * asked in the middle of a snapshot. Absent where the kind has no such copies.
   */
  replicaLag?(): Promise<number | null>;
  /** Connections that the server lets this user hold at once; null where it sets no limit. Absent where none can be told. */
  connectionsAllowed?(): Promise<number | null>;
  /** Throws Terminal `table-not-found`. */
  describe(table: string): Promise<TableDescription>;
  /**
   * What reading `table` without the columns `excluded` costs its owner, in words; null where it costs nothing. Reads
   * nothing. Absent where that is so of the kind.
   */
  costOf?(table: string, excluded: readonly string[]): Promise<string | null>;
  /** Fixes the moment that is read. It holds while this session is open. Idempotent within a session. */
  openSnapshot(): Promise<Snapshot>;
  /**
   * Reads that moment from now on. Throws Transient `snapshot-gone` when the session that opened it is closed, Terminal
   * `snapshot-not-shared` where the kind's snapshots are not shared and another session opened it.
   */
  importSnapshot(snapshot: Snapshot): Promise<void>;
  /**
   * Needs an open snapshot of this session. `cursor` is a column's name, or null where the source has its own notion
   * (files). `after` is the value published last; the answer is never below it.
   */
  safeUpperBound(table: string, cursor: string | null, after: string | null): Promise<UpperBound>;
  /** Needs an open snapshot. Units in source order; together exactly the table (or range), no row twice. */
  planUnits(table: string, options: PlanOptions): Promise<readonly Unit[]>;
  /**
   * How the warehouse takes these columns of `table` itself, in place of units; null where they have to be extracted. Needs
   * an open snapshot. Absent where the kind is never in the warehouse's own system.
   */
  planTransfer?(
    table: string,
    columns: readonly Column[],
    options: TransferOptions,
  ): Promise<Transfer | null>;
  /**
   * Needs an open or imported snapshot. Throws the signal's reason when aborted. After a failure the session may be
   * unusable: close it and connect anew. A session that extracts should therefore not be the one that holds the snapshot,
   * where the kind's snapshots are shared.
   */
  extract(request: ExtractRequest): Promise<ExtractResult>;
  /** Ends the session, and with it the snapshot it opened. Never throws. */
  close(): Promise<void>;
}

/** The outcome of one step of a connection test: one that failed has a code. */
export type TestedStep =
  | (TestStep & { readonly status: 'failed'; readonly code: string })
  | (TestStep & { readonly status: 'passed' | 'skipped'; readonly code: null });

/** One version of an object in storage; `generation` pins it, where the server tells versions apart (`files/pinned.ts`). */
export interface ObjectVersion {
  readonly uri: string;
  readonly generation: string;
  readonly bytes: number;
}

/** Reads objects in storage. Implemented over Cloud Storage by the caller, over folders in tests. */
export interface ObjectReader {
  /** The object's newest version, null when there is none. Throws Terminal `object-forbidden`. */
  stat(uri: string): Promise<ObjectVersion | null>;
  /** The bytes as they are stored, not decompressed. Throws Transient `object-changed` where that generation is gone. */
  open(uri: string, generation: string): AsyncIterable<Uint8Array>;
  /** The stored bytes from `start` to before `end`, which the object must have. Throws as `open` does. */
  range(uri: string, generation: string, start: number, end: number): Promise<Uint8Array>;
  /** The newest versions of all objects whose address begins with `prefix`, by name, in pages. Throws Terminal `object-forbidden`. */
  list(prefix: string): AsyncIterable<readonly ObjectVersion[]>;
}

/** What a connector may use of the world. */
export interface ConnectorContext {
  readonly hosts: HostGuard;
  readonly objects: ObjectReader;
  /** BigQuery as the account of that key file; as the installation's own where there is none. */
  readonly bigQuery: (keyFile: string | null) => BigQueryApi;
  /** Cloud SQL, likewise. */
  readonly cloudSql: (keyFile: string | null) => CloudSqlInstances;
  /** Milliseconds from an arbitrary start (`performance.now`); measures steps. */
  readonly now: () => number;
  /** Milliseconds that a connection test waits for a word of a server; left out: as long as each kind takes to be right. */
  readonly patienceMs?: number;
}

/** What a kind can do, for screens and planners. */
export interface ConnectorCapabilities {
  /** A table may be cut into several units. */
  readonly chunks: boolean;
  /** Column types that may serve as the cursor of an append; empty where the source has its own notion. */
  readonly cursorTypes: readonly Column['type'][];
  /** Append works without choosing a cursor column (files by name and generation). */
  readonly ownCursor: boolean;
  /** Units may be objects that the warehouse takes as they are (`loadable`); absent: never. */
  readonly asItIs?: boolean;
  /** Other sessions can import a snapshot. Where not, the session that opened it extracts all units, one after the other. */
  readonly sharedSnapshot: boolean;
}

/** What a source needs to be reached: its settings, and its credentials where the kind has any. */
export interface SourceAccess {
  readonly settings: SourceSettings;
  readonly credentials: Credentials | null;
}

/** One kind of source. */
export interface Connector {
  readonly kind: SourceKind;
  readonly label: string;
  readonly capabilities: ConnectorCapabilities;
  /**
   * Where the rows of `table` come from, in words for people: a watermark of one place says nothing of another. Depends on
   * the address alone, neither on the user nor on how the connection is secured.
   */
  placeOf(settings: SourceSettings, table: string): string;
  /** Goes step by step; what follows a failed step is yielded as `skipped`. Throws only the signal's reason. */
  test(access: SourceAccess, context: ConnectorContext, signal: AbortSignal): AsyncGenerator<TestedStep>;
  /** Opens a session; the caller closes it. While the session is in use `signal` may end what it waits for. */
  connect(access: SourceAccess, context: ConnectorContext, signal: AbortSignal): Promise<SourceSession>;
}
