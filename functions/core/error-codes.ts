/*
 * Every code that an error, a recorded failure or an answer of the API can carry, with what it means and what to do. A test
 * holds it to the code: what is said anywhere in functions/ is here, and nothing else is. `npm run errors` prints it.
 */
import { ACCESS_CODES } from './error-codes/access.ts';
import type { ErrorEntry } from './error-codes/entry.ts';
import { INSTALLATION_CODES } from './error-codes/installation.ts';
import { LOAD_CODES } from './error-codes/loads.ts';
import { PIPELINE_CODES } from './error-codes/pipelines.ts';
import { SOURCE_CODES } from './error-codes/sources.ts';

/** An area with its codes. */
export interface ErrorArea {
  readonly title: string;
  readonly codes: Readonly<Record<string, ErrorEntry>>;
}

/** The areas in the order of the work. */
export const ERROR_AREAS: readonly ErrorArea[] = [
  { title: 'Sources', codes: SOURCE_CODES },
  { title: 'Loads, schedules, alerts', codes: LOAD_CODES },
  { title: 'Data sets, pipelines, deployments', codes: PIPELINE_CODES },
  { title: 'Access and requests', codes: ACCESS_CODES },
  { title: 'The installation', codes: INSTALLATION_CODES },
];

/** What is known of `code`; null where it is none of the product's. */
export function explainCode(code: string): { readonly meaning: string; readonly remedy: string } | null {
  for (const { codes } of ERROR_AREAS) {
    const entry = Object.hasOwn(codes, code) ? codes[code] : undefined;
    if (entry !== undefined) return { meaning: entry[0], remedy: entry[1] };
  }
  return null;
}

/** The page that explains `code`, below the site's address. */
export function helpPath(code: string): string {
  return `/help/errors/${code}`;
}
