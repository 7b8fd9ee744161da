/** The type several expressions have in common. */
import { fits } from './cast.ts';
import type { Expr } from './scope.ts';
import { superType } from './types.ts';
import type { SqlType } from './types.ts';

/** The common type, where literals and parameters give way to what is neither; null where there is none. */
export function commonType(values: readonly Expr[]): SqlType | null {
  const firm = superType(values.filter((v) => v.constant !== true).map((v) => v.type));
  if (firm !== null && firm.base !== 'NULL' && values.every((v) => fits(v, firm))) return firm;
  return superType(values.map((v) => v.type));
}
