/** What a format of files (CSV, Parquet) does; everything else of a source of files is shared. */
import type { Column } from '#core/column';
import type { ExtractRequest, ExtractResult, ObjectVersion, PlainValue } from '../connector.ts';

/** What the files of one table hold. */
export interface FileDescription {
  readonly columns: readonly Column[];
  readonly estimatedRows: number | null;
  readonly notes: readonly string[];
}

/** A part of one file that can be read alone; `part` belongs to the format. */
export interface FilePart {
  readonly part: Readonly<Record<string, PlainValue>>;
  readonly estimatedRows: number | null;
  readonly estimatedBytes: number | null;
  /** As `written` of a unit; null: the part is all of the file, which can be taken as it is. Absent: nobody asked. */
  readonly written?: string | null;
}

/** What is read: one part of one file. */
export interface PartRequest {
  readonly file: ObjectVersion;
  readonly part: Readonly<Record<string, PlainValue>>;
  /** Where the file is one of several of its table: the mark of the columns that it must have. */
  readonly like: string | null;
  readonly request: ExtractRequest;
}

/** One format over one reader of objects. Keeps what it learnt of the files of a session. */
export interface FileFormat {
  /** Describes a table of `files`, at least one; of many it may look at some. */
  describe(files: readonly ObjectVersion[]): Promise<FileDescription>;
  /**
   * The parts of `file`, each of about `targetBytes`, at least one. A format that sees the columns on the way compares them
   * with `like`, as `extract` does. `loadable`: as `PlanOptions` have it.
   */
  plan(
    file: ObjectVersion,
    targetBytes: number,
    like: string | null,
    loadable?: readonly Column[],
  ): Promise<readonly FilePart[]>;
  /** As `SourceSession.extract`. */
  extract(request: PartRequest): Promise<ExtractResult>;
  close(): void;
}
