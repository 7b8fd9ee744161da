/** The schema of a file as a tree with levels. Source: parquet-format/LogicalTypes.md, and Dremel's levels. */
import type { FileMetaData, SchemaElement } from 'hyparquet';
import { FormatError } from './format-error.ts';

/** One node: a leaf has values, a group has children. */
export interface SchemaNode {
  readonly element: SchemaElement;
  readonly children: readonly SchemaNode[];
  /** Definition level at which this node is there, and repetition level at which it is repeated. */
  readonly definition: number;
  readonly repetition: number;
  /** The leaves below (or itself), by their place among all leaves: from `first` to before `end`. */
  readonly first: number;
  readonly end: number;
}

const MAX_DEPTH = 50;
/** As many as a warehouse table has columns. */
const MAX_LEAVES = 10_000;

/** The top-level columns in order. @throws FormatError */
export function readSchema({ schema }: Pick<FileMetaData, 'schema'>): readonly SchemaNode[] {
  let next = 0;
  let leaves = 0;
  const read = (depth: number, definition: number, repetition: number): SchemaNode => {
    const element = schema[next++];
    if (element === undefined) throw new FormatError('its schema ends in its middle');
    checkElement(element);
    if (depth > MAX_DEPTH) throw new FormatError(`its schema is nested more than ${MAX_DEPTH} deep`);
    const repeated = element.repetition_type === 'REPEATED' ? 1 : 0;
    const optional = element.repetition_type === 'OPTIONAL' ? 1 : 0;
    const levels = depth === 0 ? [0, 0] : [definition + repeated + optional, repetition + repeated];
    const [own = 0, ownRepetition = 0] = levels;
    const first = leaves;
    const children: SchemaNode[] = [];
    const count = element.num_children ?? 0;
    if (element.type === undefined)
      for (let child = 0; child < count; child++) children.push(read(depth + 1, own, ownRepetition));
    else if (++leaves > MAX_LEAVES) throw new FormatError(`it has more than ${MAX_LEAVES} columns`);
    return { element, children, definition: own, repetition: ownRepetition, first, end: leaves };
  };
  const root = read(0, 0, 0);
  if (next !== schema.length) throw new FormatError('its schema has parts that belong nowhere');
  return root.children;
}

/** The footer's reader takes fields for what they should be, and hostile ones are not. */
function checkElement({ name, num_children, type_length, precision, scale }: SchemaElement): void {
  const numbers: readonly unknown[] = [num_children, type_length, precision, scale];
  const right = numbers.every((value) => value === undefined || Number.isInteger(value));
  if (typeof name !== 'string' || !right) throw new FormatError('a part of its schema is not described');
}

/** Whether `node` holds one value or null in each row. */
export function isFlat({ element, children }: SchemaNode): boolean {
  return element.type !== undefined && children.length === 0 && element.repetition_type !== 'REPEATED';
}

/** The leaves below `node` in order. */
export function leavesOf(node: SchemaNode): readonly SchemaNode[] {
  return node.element.type === undefined ? node.children.flatMap(leavesOf) : [node];
}
