import { z } from 'zod';
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

test('a query names what was given; a body, which may hold a secret, never repeats it', () => {
  const schema = z.strictObject({ limit: z.coerce.number().int() });
  const told = (where: string) => {
    try {
      return parsePart(where, schema, { limit: 'abc' });
    } catch (error) {
      return error;
    }
  };
  expect(told('query')).toMatchObject({ message: expect.stringContaining('(given: "abc")') });
  expect(told('body')).toMatchObject({
    code: 'invalid-input',
    message: expect.not.stringContaining('abc'),
  });
});
