import { z } from 'zod';

const Header = z.looseObject({ key: z.string(), value: z.string() });
const WithHeaders = z.looseObject({
  headers: z.array(z.looseObject({ headers: z.array(Header) })).default([]),
});
const isPolicy = ({ key }: { readonly key: string }) => key.toLowerCase() === 'content-security-policy';

/**
 * `hosting` of firebase.json with `origins` added to what its security policy lets pages connect to. In the cloud the
 * services that pages speak to have addresses that firebase.json names; here they are ports of this machine.
 * A site without a policy stays without one.
 */
export function withLocalOrigins<T extends object>(hosting: T, origins: readonly string[]): T {
  const { headers } = WithHeaders.parse(hosting);
  const local = headers.map((rule) => ({
    ...rule,
    headers: rule.headers.map((header) =>
      isPolicy(header) ? { ...header, value: connectTo(header.value, origins) } : header,
    ),
  }));
  return { ...hosting, headers: local };
}

function connectTo(policy: string, origins: readonly string[]): string {
  return policy
    .split(';')
    .map((directive) => directive.trim())
    .map((directive) =>
      /^connect-src(\s|$)/.test(directive) ? [directive, ...origins].join(' ') : directive,
    )
    .join('; ');
}
