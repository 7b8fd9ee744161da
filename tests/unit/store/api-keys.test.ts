import { randomBytes } from 'node:crypto';
import { hashOfToken, makeKeyToken, parseKeyToken } from '#store/api-keys';

const make = () => makeKeyToken('kabc23', (n) => randomBytes(n));

test('a token is read back, whatever its secret', () => {
  for (let turn = 0; turn < 500; turn++) {
    const { token, prefix } = make();
    expect(token).toMatch(/^tw_kabc23_[\w-]{43}_[0-9A-Za-z]{6}$/);
    expect(parseKeyToken(token)).toEqual({ keyId: 'kabc23' });
    expect(token.startsWith(`${prefix}_`)).toBe(true);
  }
});

test('a token has 256 random bits, and only its hash is kept', () => {
  const asked: number[] = [];
  const { token } = makeKeyToken('kabc23', (n) => {
    asked.push(n);
    return new Uint8Array(n).fill(7);
  });
  expect(asked).toEqual([32]);
  expect(hashOfToken(token)).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(Array.from({ length: 200 }, () => make().token)).size).toBe(200);
});

test('one wrong character anywhere is noticed without asking anybody', () => {
  const { token } = make();
  for (let place = 0; place < token.length; place++) {
    const other = token[place] === 'x' ? 'y' : 'x';
    expect(parseKeyToken(token.slice(0, place) + other + token.slice(place + 1))).toBeNull();
  }
});

test.each([
  ['nothing', ''],
  ['a beginning', 'tw_'],
  ['a header', 'Bearer tw_kabc23'],
  ['a wrong checksum', `tw_kabc23_${'a'.repeat(43)}_000000`],
  ['a space at its end', `${make().token} `],
  ['a line end', `${make().token}\n`],
  ['another case', make().token.toUpperCase()],
  ['a path', `tw_../../x_${'a'.repeat(43)}_000000`],
  ['two tokens', `${make().token}, ${make().token}`],
])('%s is no token', (_, text) => {
  expect(parseKeyToken(text)).toBeNull();
});
