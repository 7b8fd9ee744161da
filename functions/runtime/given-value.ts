/** The value that did not fit, in an answer to whoever sent it: never what may be a secret, or hold one. */
import { redactText } from '#core/redact';

/** As much of a text as is shown. */
const SHOWN = 60;

/**
 * Names of fields whose values are secrets, or addresses that may have one in them; the names of columns that a key has, and
 * the public key of a host, are none.
 */
const SECRET =
  /pass|pwd|secret|token|credential|ssh|signature|authorization|invitation|(?<!^merge|^host|^meta)keys?$|^keys?|url|uri|^host$|^ca$|mail/i;

/** Whether what is at `path`, or above it, may be a secret. */
function maySecret(path: readonly PropertyKey[]): boolean {
  return path.some((part) => SECRET.test(String(part)));
}

/**
 * What `value` has at `path`, shortened, as JSON writes it: ` (given: "abc")`. Empty where nothing is there, where it may be
 * a secret by its name or looks like one, and for lists and objects, which may hold some.
 */
export function givenValue(value: unknown, path: readonly PropertyKey[]): string {
  if (path.length === 0 || maySecret(path)) return '';
  let found: unknown = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return '';
    found = Reflect.get(found, part);
  }
  if (found === null || typeof found === 'number' || typeof found === 'boolean') return ` (given: ${found})`;
  if (typeof found !== 'string') return '';
  const shown = found.toWellFormed().slice(0, SHOWN);
  // user:password@host, and what looks like a key or token.
  if (redactText(found.slice(0, 4 * SHOWN)) !== found.slice(0, 4 * SHOWN) || /:[^\s@]*@/.test(found))
    return '';
  return ` (given: ${JSON.stringify(shown.length < found.length ? `${shown}…` : shown)})`;
}
