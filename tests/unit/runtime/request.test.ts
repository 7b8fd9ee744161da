import { z } from 'zod';
import { givenValue } from '#runtime/given-value';
import { parsePart } from '#runtime/request';

const Body = z.object({ name: z.string(), tags: z.array(z.record(z.string(), z.string())).default([]) });

test('a text that only JSON can say is refused where it is, before anything tries to keep it', () => {
  const parse = (text: string) => parsePart('body', Body, JSON.parse(text));
  expect(parse('{"name":"\\ud83d\\udd29 Bolts"}')).toEqual({ name: '🔩 Bolts', tags: [] });
  expect(() => parse('{"name":"\\ud800"}')).toThrow(/name: not a text that Unicode has/);
  expect(() => parse('{"name":"a","tags":[{"b":"c"},{"d":"\\udfff"}]}')).toThrow(/tags\.1\.d: not a text/);
  expect(() => parse('{"name":"a","tags":[{"\\ud800":"c"}]}')).toThrow(/tags\.0\..: not a text/);
});

test('however deep it is, it is looked through', () => {
  let deep: unknown = 'x';
  for (let depth = 0; depth < 50_000; depth++) deep = [deep];
  expect(() => parsePart('body', z.unknown(), deep)).not.toThrow();
});

test('what does not fit is named with its place and value, and what to correct', () => {
  const schema = z.strictObject({
    limit: z.coerce.number().int(),
    mode: z.enum(['append', 'merge']).default('merge'),
    filter: z.object({ conditions: z.array(z.object({ last: z.number() })) }).optional(),
  });
  const told = (where: string, value: unknown) => {
    try {
      return parsePart(where, schema, value);
    } catch (error) {
      return error;
    }
  };
  expect(told('query', { limit: 'abc' })).toMatchObject({
    code: 'invalid-input',
    message: expect.stringContaining('(given: "abc")'),
    remedy: 'Correct "limit" and send it again.',
  });
  expect(
    told('body', { limit: 1, mode: 'x'.repeat(100), filter: { conditions: [{ last: '9 days' }] } }),
  ).toMatchObject({
    issues: [
      { path: 'mode', message: expect.stringMatching(/one of "append"\|"merge" \(given: "x{60}…"\)$/) },
      {
        path: 'filter.conditions.0.last',
        message: expect.stringMatching(/expected number.*\(given: "9 days"\)$/),
      },
    ],
    remedy: 'Correct "mode", "filter.conditions.0.last" and send it again.',
  });
  expect(told('body', { limit: 1, mode: false })).toMatchObject({
    message: expect.stringContaining('(given: false)'),
  });
  // What is missing, or a whole list, is not repeated.
  expect(told('body', {})).toMatchObject({ message: expect.not.stringContaining('given') });
  expect(told('body', { limit: 1, mode: ['a'] })).toMatchObject({
    message: expect.not.stringContaining('given'),
  });
  expect(told('body', null)).toMatchObject({ remedy: 'Correct the body and send it again.' });
});

test('what may be a secret, by its name or its form, is never repeated', () => {
  const at = (...path: string[]) =>
    path.reduceRight<unknown>((value, name) => ({ [name]: value }), 'k4narienvogel');
  for (const path of [
    ['password'],
    ['credentials', 'whatever'],
    ['ssh', 'privateKey'],
    ['ssh', 'passphrase'],
    ['key'],
    ['keyText'],
    ['apiKey'],
    ['token'],
    ['target', 'url'],
    ['settings', 'host'],
    ['settings', 'uris'],
    ['email'],
    ['secret'],
  ])
    expect(givenValue(at(...path), path)).toBe('');
  for (const path of [['mergeKey'], ['tunnel', 'hostKey'], ['cursor'], ['name']])
    expect(givenValue(at(...path), path)).toBe(' (given: "k4narienvogel")');
  for (const value of [
    'postgres://me:k4nari@db/shop',
    'me:k4nari@db',
    'Bearer k4nari-en.vogel',
    'password=k4nari',
  ])
    expect(givenValue({ name: value }, ['name'])).toBe('');
  expect(givenValue({ name: 'Ann', __proto__: { mode: 'x' } }, ['mode'])).toBe('');
});
