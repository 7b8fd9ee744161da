/**
 * Row groups on their way to a file. Pages are compressed while the next are filled; a group goes out, column by column,
 * when all of its pages are.
 *
 * Where groups end depends on their rows alone, not on how fast pages are compressed: it is judged by the sizes of all page
 * sets but the last two, and those two are taken to shrink as all before did.
 */
import type { Dictionary, Page } from './column-pages.ts';
import { PagePacker, type PackedPage } from './page-packer.ts';
import {
  dataPageHeader,
  dictionaryPageHeader,
  type Bounds,
  type ColumnChunk,
  type Encoding,
  type RowGroup,
} from './parquet-metadata.ts';

/** Page sets whose sizes are not yet asked for. */
const LATE_SETS = 2;
/** More raw bytes than this do not wait to be compressed. */
const WAITING_BYTES = 4 * 1024 * 1024;

/** What is known of a column of a group when it ends, besides its pages. */
export interface ChunkEnd {
  readonly dictionary: Dictionary | null;
  readonly nulls: number;
  readonly bounds: Bounds | null;
}

interface WaitingPage {
  readonly rows: number;
  readonly encoding: Encoding;
  readonly packed: PackedPage;
}

/** The pages of the same rows, one of each column. */
interface PageSet {
  readonly rows: number;
  readonly pages: readonly WaitingPage[];
}

interface WaitingGroup {
  readonly sets: readonly PageSet[];
  readonly chunks: readonly (ChunkEnd & { readonly packedDictionary: PackedPage | null })[];
}

/** The row groups of one file; `put` takes its bytes in order and answers where they begin. */
export class RowGroups {
  /** Those that have been put. */
  readonly done: RowGroup[] = [];
  /** Rows of the group that is not ended. */
  rows = 0;
  private readonly put: (bytes: Uint8Array) => number;
  private readonly packer = new PagePacker();
  private readonly columns: number;
  private sets: PageSet[] = [];
  /** Of the open group: sets whose sizes are in `known`. */
  private counted = 0;
  private known = 0;
  /** Of the whole file: bytes of counted sets, before and after. */
  private rawBytes = 0;
  private packedBytes = 0;
  private ended: WaitingGroup | null = null;

  constructor(columns: number, put: (bytes: Uint8Array) => number) {
    this.columns = columns;
    this.put = put;
  }

  /** True when `settle` should be awaited before many more rows. */
  get full(): boolean {
    const { waiting, waitingBytes } = this.packer;
    return this.ended !== null || waiting >= LATE_SETS * this.columns || waitingBytes > WAITING_BYTES;
  }

  /** Takes one page of each column, all of `rows` rows; the parts are copied. Answers the bytes the group will have, about. */
  addPages(rows: number, pages: readonly Page[]): number {
    const set = pages.map(({ encoding, body }) => ({ rows, encoding, packed: this.packer.pack(body) }));
    this.sets.push({ rows, pages: set });
    this.rows += rows;
    return this.expectedBytes();
  }

  /** Ends the open group, which has pages. */
  end(ends: readonly ChunkEnd[]): void {
    if (this.ended !== null) this.write(this.ended);
    const chunks = ends.map((chunk) => ({
      ...chunk,
      packedDictionary: chunk.dictionary === null ? null : this.packer.pack([chunk.dictionary.body]),
    }));
    this.ended = { sets: this.sets, chunks };
    this.sets = [];
    this.rows = 0;
    this.counted = 0;
    this.known = 0;
  }

  /** Waits until little is left to be compressed, and puts the group that has ended. */
  async settle(): Promise<void> {
    if (this.ended === null) return this.packer.atMost(this.columns, WAITING_BYTES);
    await this.packer.atMost(0, 0);
    if (this.ended !== null) this.write(this.ended);
  }

  /** Nothing more comes. */
  close(): void {
    this.packer.close();
  }

  private expectedBytes(): number {
    while (this.counted < this.sets.length - LATE_SETS)
      for (const { packed } of this.sets[this.counted++]!.pages) {
        this.packer.finish(packed);
        this.known += packed.bytes;
        this.packedBytes += packed.bytes;
        this.rawBytes += packed.rawBytes;
      }
    const ratio = this.rawBytes === 0 ? 1 : this.packedBytes / this.rawBytes;
    let late = 0;
    for (const { pages } of this.sets.slice(this.counted))
      for (const { packed } of pages) late += packed.rawBytes;
    return this.known + late * ratio;
  }

  private write({ sets, chunks }: WaitingGroup): void {
    const rows = sets.reduce((sum, set) => sum + set.rows, 0);
    const stored = chunks.map((end, column) => {
      const chunk = new Chunk(this.put, (page) => this.packer.finish(page));
      if (end.dictionary !== null && end.packedDictionary !== null)
        chunk.dictionary(end.dictionary.values, end.packedDictionary);
      for (const { pages } of sets) chunk.page(pages[column]!);
      return chunk.end(end);
    });
    this.done.push({ rows, chunks: stored });
    this.ended = null;
  }
}

/** One column of a group as it is put. */
class Chunk {
  private readonly put: (bytes: Uint8Array) => number;
  private readonly finish: (page: PackedPage) => void;
  private readonly encodings = new Set<Encoding>(['RLE']);
  private dictionaryAt: number | null = null;
  private dataAt: number | null = null;
  private raw = 0;
  private packed = 0;

  constructor(put: (bytes: Uint8Array) => number, finish: (page: PackedPage) => void) {
    this.put = put;
    this.finish = finish;
  }

  dictionary(values: number, page: PackedPage): void {
    this.finish(page);
    this.dictionaryAt = this.all(dictionaryPageHeader(values, page.rawBytes, page.bytes), 'PLAIN', page);
  }

  page({ rows, encoding, packed }: WaitingPage): void {
    this.finish(packed);
    const header = dataPageHeader(rows, encoding, packed.rawBytes, packed.bytes);
    const at = this.all(header, encoding, packed);
    this.dataAt ??= at;
  }

  end({ nulls, bounds }: ChunkEnd): ColumnChunk {
    const { dataAt, dictionaryAt, encodings, raw, packed } = this;
    if (dataAt === null) throw new RangeError('a column chunk without pages');
    return {
      offset: dictionaryAt ?? dataAt,
      dataOffset: dataAt,
      dictionaryOffset: dictionaryAt,
      encodings: [...encodings],
      uncompressedBytes: raw,
      compressedBytes: packed,
      nulls,
      bounds,
    };
  }

  private all(header: Uint8Array, encoding: Encoding, page: PackedPage): number {
    this.encodings.add(encoding);
    const at = this.put(header);
    for (const piece of page.body ?? []) this.put(piece);
    this.raw += header.length + page.rawBytes;
    this.packed += header.length + page.bytes;
    return at;
  }
}
