import { readFileSync } from 'node:fs';

const css = readFileSync('web/ui/theme.css', 'utf8');

/** The tokens of the block that begins with `selector`. */
function tokensOf(selector: string): Map<string, string> {
  const from = css.indexOf(`${selector} {`);
  const block = css.slice(from, css.indexOf('}', from));
  return new Map(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

/** WCAG's contrast ratio of two `#rrggbb` colours. */
function contrast(one: string, other: string): number {
  const light = (colour: string) => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5]
      .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [bright = 0, dim = 0] = [light(one), light(other)].sort((a, b) => b - a);
  return (bright + 0.05) / (dim + 0.05);
}

const TEXT = [
  ['ink', 'surface'],
  ['ink', 'ground'],
  ['ink', 'sunken'],
  ['ink', 'accent-soft'],
  ['quiet', 'surface'],
  ['quiet', 'ground'],
  ['quiet', 'sunken'],
  ['accent', 'surface'],
  ['accent-ink', 'accent'],
  ['good', 'good-soft'],
  ['warning', 'warning-soft'],
  ['bad', 'bad-soft'],
  ['busy', 'busy-soft'],
] as const;

describe.each([
  ['light', ':root'],
  ['dark', ":root[data-theme='dark']"],
])('the %s theme', (_, selector) => {
  const tokens = tokensOf(selector);
  test.each(TEXT)('%s can be read on %s', (text, ground) => {
    expect(contrast(tokens.get(text) ?? '', tokens.get(ground) ?? '')).toBeGreaterThanOrEqual(4.5);
  });
  test('edges of fields can be seen', () => {
    expect(contrast(tokens.get('line-strong') ?? '', tokens.get('surface') ?? '')).toBeGreaterThanOrEqual(3);
  });
});

test('dark by the system and dark by choice are the same', () => {
  expect(tokensOf(":root:not([data-theme='light'])")).toEqual(tokensOf(":root[data-theme='dark']"));
});
