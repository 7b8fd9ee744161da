import { decimalText } from '#scripts/local/bigquery/wide-decimals';

const bytesOf = (value: bigint): Uint8Array =>
  Buffer.from(BigInt.asUintN(256, value).toString(16).padStart(64, '0'), 'hex');

test.each([
  [0n, 38, '0'],
  [1n, 38, '0.00000000000000000000000000000000000001'],
  [-1n, 2, '-0.01'],
  [1250n, 2, '12.5'],
  [-(10n ** 75n), 38, `-${10n ** 37n}`],
  [10n ** 76n - 1n, 38, `${'9'.repeat(38)}.${'9'.repeat(38)}`],
  [42n, 0, '42'],
])('%s at scale %i is %s', (value, scale, text) => {
  expect(decimalText(bytesOf(value), scale)).toBe(text);
});
