import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { withLocalOrigins } from '#scripts/local/hosting/local-policy';

const Hosting = z.object({
  hosting: z.object({
    rewrites: z.array(
      z.object({ source: z.string(), function: z.object({ functionId: z.string() }).optional() }),
    ),
    headers: z.array(
      z.object({ source: z.string(), headers: z.array(z.object({ key: z.string(), value: z.string() })) }),
    ),
  }),
});
const { hosting } = Hosting.parse(JSON.parse(readFileSync('firebase.json', 'utf8')));
const AnyContract = z.object({ path: z.string(), method: z.string() });

/** The function Hosting hands `path` to: the first rewrite that matches wins. */
function functionFor(path: string): string | undefined {
  return hosting.rewrites.find(({ source }) => glob(source).test(path))?.function?.functionId;
}

function glob(source: string): RegExp {
  if (source.startsWith('!')) return /^(?!\/(api|assets|__)\/)/;
  return new RegExp(`^${source.replaceAll('**', '§').replaceAll('*', '[^/]+').replaceAll('§', '.+')}$`);
}

// The recommender service answers at its own address; `selection` are parts of its questions.
const SERVICE = ['recommend', 'account-signals', 'selection', 'verify'];
const capabilities = readdirSync('functions/core/api')
  .map((file) => file.replace('.ts', ''))
  .filter((name) => !['client', 'contract', ...SERVICE].includes(name));

test.each(capabilities)('every contract of %s reaches its function', async (capability) => {
  const module: Record<string, unknown> = await import(`../../functions/core/api/${capability}.ts`);
  const contracts = Object.values(module)
    .flatMap((value) => AnyContract.safeParse(value).data ?? [])
    .filter(({ path }) => path.startsWith('/api/'));
  expect(contracts).not.toEqual([]);
  for (const { path } of contracts)
    expect({ path, to: functionFor(path.replaceAll(/\{\w+\}/g, 'x1234')) }).toEqual({
      path,
      to: `${capability}-api`,
    });
});

test('pages fall back to the application, unknown addresses of the API to a function, which says so as the API says it', () => {
  const fallback = hosting.rewrites.at(-1);
  expect(glob(fallback?.source ?? '').test('/t/tacme/m/mbolts')).toBe(true);
  for (const path of [
    '/api/nothing/here',
    '/api/tenants/tacme/nothing',
    '/api/tenants/tacme/models/mbolts/no/such',
  ])
    expect([path, functionFor(path)]).toEqual([path, 'tenants-api']);
});

type Header = { readonly key: string; readonly value: string };
const policyOf = (headers: readonly Header[] | undefined) =>
  headers?.find(({ key }) => key === 'Content-Security-Policy')?.value ?? '';

test('every answer carries the security headers', () => {
  const everywhere = hosting.headers.find(({ source }) => source === '**');
  const policy = policyOf(everywhere?.headers);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe');
  expect(everywhere?.headers.map(({ key }) => key)).toEqual(
    expect.arrayContaining(['X-Content-Type-Options', 'Referrer-Policy', 'X-Frame-Options']),
  );
});

test('deployed pages speak to Google over TLS alone; local ones to the named ports of this machine too', () => {
  const deployed = policyOf(hosting.headers[0]?.headers);
  expect(deployed).not.toMatch(/http:|127\.0\.0\.1|localhost|\s\*/);

  const local = withLocalOrigins(hosting, ['http://127.0.0.1:4001', 'http://127.0.0.1:4002']);
  expect(policyOf(local.headers[0]?.headers)).toBe(
    deployed.replace(/(connect-src [^;]*)/, '$1 http://127.0.0.1:4001 http://127.0.0.1:4002'),
  );
  // Nothing else moves, and the configuration itself stays as it was.
  expect(local.rewrites).toEqual(hosting.rewrites);
  expect(local.headers.slice(1)).toEqual(hosting.headers.slice(1));
  expect(policyOf(hosting.headers[0]?.headers)).toBe(deployed);
});
