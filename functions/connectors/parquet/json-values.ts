/**
 * Values inside lists, maps and structs as JSON text, exactly: 64-bit numbers with all their digits, decimals, moments and
 * what JSON has no number for as strings, bytes in base64.
 */
import { isUtf8 } from 'node:buffer';
import { MAX_DAY, MIN_DAY, shortestSingle, showDay } from '../values.ts';
import { misfit, type Misfit } from './misfit.ts';
import {
  clockOf,
  longOf,
  microsOf,
  nanosOfInt96,
  showClock,
  showCount,
  showMicros,
  type MomentFault,
} from './moments.ts';
import type { PageValues, PhysicalType } from './page-values.ts';
import { halfAt, intervalAt, showDecimal, unscaledAt, uuidAt } from './scalars.ts';
import type { TimeUnit, ValueForm } from './types.ts';

/** The value at `index` as JSON, or why it is left out, and with it its row. */
export type ShowJson = (values: PageValues, index: number) => string | Misfit;

/** How values stored as `physical` and meaning `form` are written. */
export function makeJsonShower(physical: PhysicalType, form: ValueForm): ShowJson {
  const whole = ({ words }: PageValues, index: number): bigint =>
    physical === 'INT32' ? BigInt(words[index]!) : longOf(words[index * 2]!, words[index * 2 + 1]!);
  switch (form.kind) {
    case 'bool':
      return ({ words }, index) => (words[index] === 1 ? 'true' : 'false');
    case 'int':
      return ({ words }, index) => String(words[index]);
    case 'uint32':
      return ({ words }, index) => String(words[index]! >>> 0);
    case 'long':
      return (values, index) => String(whole(values, index));
    case 'uint64':
      return (values, index) => String(BigInt.asUintN(64, whole(values, index)));
    case 'float':
      return ({ floats }, index) =>
        showFloat(physical === 'FLOAT' ? shortestSingle(floats[index]!) : floats[index]!);
    case 'float16':
      return (values, index) => showFloat(halfAt(values, index));
    case 'date':
      return ({ words }, index) => {
        const day = words[index]!;
        const fits = day >= MIN_DAY && day <= MAX_DAY;
        return fits ? `"${showDay(day)}"` : misfit('date-out-of-range', showDay(day));
      };
    case 'timestamp':
      return (values, index) => showMoment(whole(values, index), form.unit, form.utc);
    case 'int96':
      return ({ words }, index) =>
        showMoment(
          nanosOfInt96(words[index * 3]!, words[index * 3 + 1]!, words[index * 3 + 2]!),
          'NANOS',
          true,
        );
    case 'time':
      return (values, index) => {
        const clock = clockOf(whole(values, index), form.unit);
        return typeof clock === 'string'
          ? fault(clock, whole(values, index), form.unit)
          : `"${showClock(clock)}"`;
      };
    case 'decimal':
      return (values, index) => {
        const unscaled = unscaledAt(physical, values, index);
        return unscaled === null
          ? misfit('numeric-overflow', `of ${values.ends[index]! - values.starts[index]!} bytes`)
          : `"${showDecimal(unscaled, form.scale)}"`;
      };
    case 'text':
      return ({ bytes, starts, ends }, index) => {
        const part = Buffer.from(bytes.subarray(starts[index], ends[index]));
        if (isUtf8(part)) return JSON.stringify(part.toString('utf8'));
        return misfit('invalid-utf8', `\\x${part.subarray(0, 95).toString('hex')}`);
      };
    case 'bytes':
      return ({ bytes, starts, ends }, index) =>
        `"${Buffer.from(bytes.subarray(starts[index], ends[index])).toString('base64')}"`;
    case 'uuid':
      return (values, index) => `"${uuidAt(values, index)}"`;
    case 'interval':
      return (values, index) => `"${intervalAt(values, index)}"`;
  }
}

function showFloat(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}

function showMoment(value: bigint, unit: TimeUnit, utc: boolean): string | Misfit {
  const micros = microsOf(value, unit);
  return typeof micros === 'string' ? fault(micros, value, unit) : `"${showMicros(micros)}${utc ? 'Z' : ''}"`;
}

function fault(reason: MomentFault, value: bigint, unit: TimeUnit): Misfit {
  return misfit(reason, showCount(value, unit));
}
