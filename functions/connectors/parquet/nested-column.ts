/**
 * Lists, maps and structs put together again from their leaves (Dremel's record assembly) and written as JSON text: a list
 * as an array, a struct as an object, a map as an object of its keys.
 *
 * Source: parquet-format/LogicalTypes.md, with its rules for files of older writers.
 */
import { MAX_VALUE_BYTES } from '#columnar/bytes-column';
import { FormatError } from './format-error.ts';
import { misfit, type Misfit } from './misfit.ts';
import type { NestedLeaf } from './nested-leaf.ts';
import type { SchemaNode } from './schema.ts';

/** A nested column of a row group, row by row. */
export interface NestedColumn {
  /** Rows that can be taken before `load`. */
  readonly ready: number;
  load(): Promise<void>;
  /** The next row as JSON; null where it is null; why not where a value in it does not fit. Only while `ready`. */
  next(): string | Misfit | null;
  /** Every value was taken. */
  readonly finished: boolean;
  close(): void;
}

/** The column of `node`, over `leaves`: its own, in order. */
export function makeNestedColumn(node: SchemaNode, leaves: readonly NestedLeaf[]): NestedColumn {
  return new AssembledColumn(node, leaves);
}

class AssembledColumn implements NestedColumn {
  private readonly node: SchemaNode;
  private readonly leaves: readonly NestedLeaf[];
  private problem: Misfit | null = null;
  private room = 0;
  ready = 0;

  constructor(node: SchemaNode, leaves: readonly NestedLeaf[]) {
    this.node = node;
    this.leaves = leaves;
  }

  async load(): Promise<void> {
    if (this.ready > 0) return;
    for (const leaf of this.leaves) await leaf.load();
    this.ready = Math.min(...this.leaves.map((leaf) => leaf.ready));
  }

  next(): string | Misfit | null {
    for (const leaf of this.leaves) {
      if (leaf.repetition !== 0) throw new FormatError('the parts of a nested column do not go together');
      leaf.ready--;
    }
    this.ready--;
    const [text, problem] = this.row();
    // It tells of one part: the text of the whole is not to be had.
    if (problem !== null) return { ...problem, text: null };
    if (text === null || Buffer.byteLength(text) <= MAX_VALUE_BYTES) return text;
    return misfit('value-too-big', `${text.length} characters`);
  }

  get finished(): boolean {
    return this.leaves.every((leaf) => leaf.finished);
  }

  close(): void {
    for (const leaf of this.leaves) leaf.close();
  }

  private row(): readonly [string | null, Misfit | null] {
    this.problem = null;
    this.room = MAX_VALUE_BYTES;
    const text = this.field(this.node);
    return [text, this.problem];
  }

  /** The node's value, by its repetition. Null stands for JSON's null. */
  private field(node: SchemaNode): string | null {
    const { repetition_type } = node.element;
    if (repetition_type === 'REPEATED') return this.array(node, () => this.body(node));
    if (repetition_type === 'OPTIONAL' && this.leaf(node).definition < node.definition) {
      this.skip(node);
      return null;
    }
    return this.body(node);
  }

  /** The value of a node that is there. */
  private body(node: SchemaNode): string | null {
    if (node.element.type !== undefined) return this.value(node);
    const inner = node.children[0];
    if (node.children.length === 1 && inner?.element.repetition_type === 'REPEATED') {
      if (isAnnotated(node, 'LIST')) return this.list(node, inner);
      if (isMap(node, inner)) return this.map(inner);
    }
    const fields = node.children.map(
      (child) => `${JSON.stringify(child.element.name)}:${this.field(child) ?? 'null'}`,
    );
    return `{${fields.join(',')}}`;
  }

  private value(node: SchemaNode): string | null {
    const shown = this.leaf(node).next();
    if (shown === null) return null;
    if (typeof shown === 'string') {
      this.room -= shown.length;
      if (this.room >= 0) return shown;
      // What is too big to be kept is still passed over, to its end.
      this.problem ??= misfit('value-too-big', 'of a nested column');
    } else this.problem ??= shown;
    return null;
  }

  private list(node: SchemaNode, repeated: SchemaNode): string {
    const [element] = repeated.children;
    // Older writers repeat the element itself, without a group around it.
    const bare =
      element === undefined ||
      repeated.children.length > 1 ||
      repeated.element.name === 'array' ||
      repeated.element.name === `${node.element.name}_tuple`;
    return this.array(repeated, () => (bare ? this.body(repeated) : this.field(element)));
  }

  private map(repeated: SchemaNode): string {
    const [key, value] = repeated.children;
    if (key === undefined) throw new FormatError('a map has no keys');
    const seen = new Set<string>();
    const entries = this.repeat(repeated, () => {
      const shown = this.field(key) ?? 'null';
      const name = shown.startsWith('"') ? shown : JSON.stringify(shown);
      if (seen.has(name)) this.problem ??= misfit('duplicate-key', name);
      seen.add(name);
      return `${name}:${value === undefined ? 'null' : (this.field(value) ?? 'null')}`;
    });
    return `{${entries.join(',')}}`;
  }

  private array(repeated: SchemaNode, item: () => string | null): string {
    return `[${this.repeat(repeated, () => item() ?? 'null').join(',')}]`;
  }

  /** Does `item` for each time that `repeated` is there. */
  private repeat(repeated: SchemaNode, item: () => string): string[] {
    const first = this.leaf(repeated);
    if (first.definition < repeated.definition) {
      this.skip(repeated);
      return [];
    }
    const items: string[] = [];
    do items.push(item());
    while (first.repetition === repeated.repetition);
    return items;
  }

  /** Passes the one entry that stands for a node that is not there. */
  private skip(node: SchemaNode): void {
    for (let leaf = node.first; leaf < node.end; leaf++) this.at(leaf).next();
  }

  private leaf(node: SchemaNode): NestedLeaf {
    return this.at(node.first);
  }

  private at(leaf: number): NestedLeaf {
    return this.leaves[leaf - this.node.first]!;
  }
}

function isAnnotated({ element }: SchemaNode, type: 'LIST' | 'MAP'): boolean {
  return element.logical_type?.type === type || element.converted_type === type;
}

function isMap(node: SchemaNode, inner: SchemaNode): boolean {
  const annotated = isAnnotated(node, 'MAP') || node.element.converted_type === 'MAP_KEY_VALUE';
  const { length } = inner.children;
  return annotated && inner.element.type === undefined && (length === 1 || length === 2);
}
