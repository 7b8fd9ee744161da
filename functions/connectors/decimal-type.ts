import type { ColumnType } from '#core/column';

/** The warehouse's column for decimals of a declared shape. */
export interface DecimalType {
  readonly type: Extract<ColumnType, 'NUMERIC' | 'BIGNUMERIC'>;
  readonly shape?: { readonly precision: number; readonly scale: number };
}

/**
 * A decimal of `whole` digits before and `decimals` after the point keeps its shape where the warehouse has room for it.
 * One that is too wide gets BIGNUMERIC, which takes what fits; the rest is rejected value by value.
 */
export function decimalType(whole: number, decimals: number): DecimalType {
  const shape = { precision: Math.max(whole + decimals, 1), scale: decimals };
  if (whole <= 29 && decimals <= 9) return { type: 'NUMERIC', shape };
  if (whole <= 38 && decimals <= 38) return { type: 'BIGNUMERIC', shape };
  return { type: 'BIGNUMERIC' };
}
