/** The reference of error codes as Markdown: pure. */
import type { ErrorArea } from '../../functions/core/error-codes.ts';
import type { SaidCode } from './collect.ts';

/** Where codes are expected: tests, and suites that several of them run. */
export const TESTS: readonly string[] = ['tests/**/*.test.ts', 'tests/contract/*-suite.ts'];

/** A test file. */
export interface TestText {
  readonly file: string;
  readonly text: string;
}

/** A word in a test where a code is expected: a text of its own, after the name of what fails, or before the message. */
const EXPECTED = /(?:['"`]|\/\^)(?:[\w.]+ )?([a-z]+(?:-[a-z]+)*)(?=['"`]|: )/g;

/** Which test files expect a code: `'schema-kept'`, `'public.orders schema-kept'`, `/^no-lines-left: …/`. */
export function reproducedBy(tests: readonly TestText[]): (code: string) => string[] {
  const files = new Map<string, Set<string>>();
  for (const { file, text } of tests)
    for (const [, word = ''] of text.matchAll(EXPECTED))
      files.set(word, (files.get(word) ?? new Set()).add(file));
  return (code) => [...(files.get(code) ?? [])].sort();
}

/** One table per area. What no test names has an empty cell. */
export function errorsPage(
  areas: readonly ErrorArea[],
  said: readonly SaidCode[],
  tests: (code: string) => readonly string[],
): string {
  const where = (code: string) => [
    ...new Set(said.filter((one) => one.code === code).map(({ file }) => file)),
  ];
  const files = (list: readonly string[]) => list.map((file) => `\`${file}\``).join(', ');
  const sections = areas.map(({ title, codes }) =>
    [
      `## ${title}`,
      '',
      '| code | meaning | what to do | said in | tests |',
      '| --- | --- | --- | --- | --- |',
      ...Object.entries(codes).map(
        ([code, [meaning, remedy]]) =>
          `| \`${code}\` | ${meaning} | ${remedy} | ${files(where(code))} | ${files(tests(code).slice(0, 3))} |`,
      ),
      '',
    ].join('\n'),
  );
  return `# Error codes\n\n${sections.join('\n')}`;
}
