import type { z } from 'zod';
import { TerminalError } from '#core/errors';
import { Id } from '#core/ids';
import { givenValue } from './given-value.ts';
import { InputError } from './problem.ts';

/** A request as the transport gives it. `body`: the raw bytes, of which `readBody` takes no more than are allowed. */
export interface RawRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
}

/** A header by its lower-case name; the first, where it comes several times as a list. */
export function header(request: RawRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** What a request may be called by those who send it, and by those who pass it on. */
export const REQUEST_ID = /^[\w-]{8,64}$/;

/** The request's id, where whoever sends it has named it harmlessly. */
export function requestIdOf(request: RawRequest): string | undefined {
  const given = header(request, 'x-request-id');
  return given !== undefined && REQUEST_ID.test(given) ? given : undefined;
}

/** The parameters of `path` under `template`, or null where it does not fit. */
export function match(template: string, path: string): Record<string, string> | null {
  const wanted = template.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith('{')) params[part.slice(1, -1)] = value;
    else if (part !== value) return null;
  }
  return params;
}

/** The path's parameters, all of them ids. @throws InputError naming those that are none. */
export function checkedParams(params: Record<string, string>): Record<string, string> {
  const issues = Object.entries(params)
    .filter(([, value]) => !Id.safeParse(value).success)
    .map(([name, value]) => ({ path: name, message: `"${value.slice(0, 60)}" is no id` }));
  if (issues.length > 0) throw new InputError('path', issues);
  return params;
}

/** `value` as `schema` takes it. @throws InputError naming what of the `where` does not fit. */
export function parsePart(where: string, schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) {
    const broken = illFormed(parsed.data);
    if (broken.length > 0) throw new InputError(where, broken);
    return parsed.data;
  }
  throw new InputError(
    where,
    parsed.error.issues
      .flatMap((issue) => nearest(issue))
      .map((issue) => ({
        path: issue.path.join('.'),
        message: `${issue.message}${givenValue(value, issue.path)}`,
      })),
  );
}

/**
 * Texts in `value`, names of fields among them, that hold half of a surrogate pair: JSON can say such (`"\ud800"`), but
 * nothing that keeps texts as UTF-8 can keep it.
 */
function illFormed(value: unknown): { readonly path: string; readonly message: string }[] {
  const found: { path: string; message: string }[] = [];
  const rest: { readonly at: Place | null; readonly value: unknown }[] = [{ at: null, value }];
  const broken = (at: Place | null) =>
    found.push({ path: pathOf(at), message: 'not a text that Unicode has: half of a surrogate pair' });
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const { at: above, value: of } = next;
    if (typeof of === 'string' && !of.isWellFormed()) broken(above);
    if (typeof of !== 'object' || of === null) continue;
    for (const [name, part] of Object.entries(of)) {
      const at = { above, name };
      if (!name.isWellFormed()) broken(at);
      rest.push({ at, value: part });
    }
  }
  return found;
}

/** Where a value is: the names that lead to it, the last one first. */
interface Place {
  readonly above: Place | null;
  readonly name: string;
}

function pathOf(at: Place | null): string {
  const names: string[] = [];
  for (let place = at; place !== null; place = place.above) names.push(place.name.toWellFormed());
  return names.toReversed().join('.');
}

/** Of an input that fits none of several forms: what it lacks to the form it comes nearest to. */
function nearest(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const forms = issue.errors.map((form) =>
    form.flatMap((one) => nearest(one)).map((one) => ({ ...one, path: [...issue.path, ...one.path] })),
  );
  return forms.reduce((best, form) => (form.length < best.length ? form : best));
}

/** The JSON of the body; an empty object where there is none. @throws TerminalError `unsupported-media-type`; InputError */
export function bodyOf(request: RawRequest): unknown {
  if (request.body.byteLength === 0) return {};
  const type = header(request, 'content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new TerminalError('unsupported-media-type', `The body is "${type.slice(0, 60)}", not JSON.`, {
      remedy: 'Send it as application/json.',
    });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body));
  } catch (error) {
    // The parser's own words quote the body, which may hold a password.
    const at = error instanceof SyntaxError ? /\bposition \d+/.exec(error.message)?.[0] : 'not UTF-8';
    throw new InputError('body', [{ path: '', message: at === undefined ? 'not JSON' : `not JSON (${at})` }]);
  }
}
