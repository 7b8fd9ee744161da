import { z } from 'zod';

const FORM = /^([1-9]\d{0,8});((?:[1-9]\d{0,8}:[A-Za-z0-9+/]{43}=(?:,|$))+)$/;

/** A tenant's data keys as a container is told them: `<number of the newest>;<number>:<32 bytes in base64>,…`. */
export const TenantKeyText = z.string().regex(FORM, 'must look like "1;1:<32 bytes in base64>"');

/** The keys in a `TenantKeyText`, by number, in base64; and the newest one's number. */
export function parseTenantKeys(text: string): {
  readonly current: number;
  readonly keys: ReadonlyMap<number, string>;
} {
  const [, current = '', list = ''] = FORM.exec(text) ?? [];
  const pairs = list.split(',').map((pair) => pair.split(':'));
  return {
    current: Number(current),
    keys: new Map(pairs.map(([number = '', key = '']) => [Number(number), key])),
  };
}
