/** A row filter as people write it: a line for each condition, every value a text. Pure. */
import type { Column, ColumnType } from '#core/column';
import {
  type FilterCondition,
  FilterCondition as Condition,
  type FilterValue,
  RowFilter,
} from '#core/row-filter';
import { operatorsOf } from '#core/typed-filter';

/** One line. Of a list, `value` has its values with commas between; of a time ago it is a number of `unit`. */
export interface FilterLine {
  readonly column: string;
  readonly operator: FilterCondition['operator'];
  readonly value: string;
  readonly unit: Unit;
}
export type Unit = 'days' | 'weeks' | 'months' | 'years';

export const OPERATOR_WORDS: Readonly<Record<FilterCondition['operator'], string>> = {
  eq: 'is',
  ne: 'is not',
  lt: 'is less than',
  le: 'is at most',
  gt: 'is more than',
  ge: 'is at least',
  in: 'is one of',
  'not-in': 'is none of',
  null: 'is empty',
  'not-null': 'is not empty',
  'within-last': 'is within the last',
};

/** Whether the lines can say all of `filter`: groups they cannot, nor lists of texts that have commas or spaces at their ends. */
export function isFlat(filter: RowFilter): boolean {
  return filter.conditions.every(
    (one) => !('match' in one) && (!('values' in one) || one.values.every(isItem)),
  );
}

function isItem(value: FilterValue): boolean {
  const text = String(value);
  return text !== '' && text === text.trim() && !text.includes(',');
}

export function linesOf(filter: RowFilter | null): FilterLine[] {
  return (filter?.conditions ?? []).flatMap((one) => ('match' in one ? [] : [lineOf(one)]));
}

function lineOf(condition: FilterCondition): FilterLine {
  const { column, operator } = condition;
  const line = { column, operator, value: '', unit: 'months' as const };
  if ('value' in condition) return { ...line, value: String(condition.value) };
  if ('values' in condition) return { ...line, value: condition.values.map(String).join(', ') };
  if ('last' in condition) return { ...line, value: String(condition.last.count), unit: condition.last.unit };
  return line;
}

/** A line to begin with for `column`. */
export function emptyLine(column: Column): FilterLine {
  return {
    column: column.name,
    operator: operatorsOf(column.type)[0] ?? 'not-null',
    value: '',
    unit: 'months',
  };
}

/** `line` on another column: its operator stays where that column has it. */
export function onColumn(line: FilterLine, column: Column): FilterLine {
  const possible = operatorsOf(column.type);
  const operator = possible.includes(line.operator) ? line.operator : (possible[0] ?? 'not-null');
  return { ...line, column: column.name, operator };
}

/** What an input for the line's value is like; null where it has none. */
export function valueKind(operator: FilterLine['operator'], type: ColumnType): 'text' | 'number' | null {
  if (operator === 'null' || operator === 'not-null') return null;
  if (operator === 'within-last') return 'number';
  return operator !== 'in' && operator !== 'not-in' && type === 'INT64' ? 'number' : 'text';
}

/** The filter that the lines say, or why they say none yet. */
export function filterOf(
  match: 'all' | 'any',
  lines: readonly FilterLine[],
): { readonly filter: RowFilter } | { readonly wrong: string } {
  const conditions: FilterCondition[] = [];
  for (const line of lines) {
    const parsed = Condition.safeParse(conditionOf(line));
    if (!parsed.success) return { wrong: `Give a value for "${line.column}".` };
    conditions.push(parsed.data);
  }
  if (conditions.length === 0) return { wrong: 'Add a condition first.' };
  const filter = RowFilter.safeParse({ match, conditions });
  return filter.success ? { filter: filter.data } : { wrong: 'These are too many conditions or values.' };
}

function conditionOf({ column, operator, value, unit }: FilterLine): object {
  switch (operator) {
    case 'null':
    case 'not-null':
      return { column, operator };
    case 'within-last':
      return { column, operator, last: { count: value.trim() === '' ? null : Number(value), unit } };
    case 'in':
    case 'not-in':
      return {
        column,
        operator,
        values: value
          .split(',')
          .map((one) => one.trim())
          .filter((one) => one !== ''),
      };
    default:
      return { column, operator, value: value === '' ? null : value };
  }
}

/** The filter in words: `country is DE and (qty is at least 5 or qty is empty)`. */
export function filterWords({ match, conditions }: RowFilter): string {
  const words = conditions.map((one) =>
    'match' in one
      ? `(${filterWords({ match: one.match, conditions: one.conditions })})`
      : conditionWords(one),
  );
  return words.join(match === 'all' ? ' and ' : ' or ');
}

function conditionWords(condition: FilterCondition): string {
  const { value, unit } = lineOf(condition);
  const said = condition.operator === 'within-last' ? `${value} ${unit}` : value;
  return `${condition.column} ${OPERATOR_WORDS[condition.operator]} ${said}`.trim();
}
