/** The reference of error codes as Markdown: pure. */
import type { ErrorArea } from '../../functions/core/error-codes.ts';
import type { SaidCode } from './collect.ts';

/** A test file. */
export interface TestText {
  readonly file: string;
  readonly text: string;
}

/** Which test files name a code as a whole word in quotes. */
export function reproducedBy(tests: readonly TestText[]): (code: string) => string[] {
  return (code) =>
    tests
      .filter(
        ({ text }) =>
          text.includes(`'${code}'`) || text.includes(`"${code}"`) || text.includes(`\`${code}\``),
      )
      .map(({ file }) => file)
      .sort();
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
