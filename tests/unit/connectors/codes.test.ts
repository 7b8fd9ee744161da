/** Errors of connectors that no other test brings about. */
import { connectors } from '#connectors/registry';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { toSourceError } from '../../../functions/connectors/mysql/errors.ts';

test.each(['10.0.0.0/33', 'db internal', '[fe80::1', 'db:port'])('%p is no allowed host', (text) => {
  expect(() => parseAllowedHosts(text)).toThrow(
    expect.objectContaining({ code: 'allowed-hosts-invalid', message: expect.stringContaining(text) }),
  );
});

test('a resolver that does not answer is asked again; a name that does not exist is not', async () => {
  const guard = (code: string) =>
    makeHostGuard([], () => Promise.reject(Object.assign(new Error(code), { code })));
  await expect(guard('EAI_AGAIN').pin('db.example.com', 5432)).rejects.toMatchObject({
    name: 'TransientError',
    code: 'resolver-failed',
  });
  await expect(guard('ENOTFOUND').pin('db.example.com', 5432)).rejects.toMatchObject({
    name: 'TerminalError',
    code: 'host-unknown',
  });
});

test('a way of signing in that is not spoken here names those that are', () => {
  const place = { host: 'db', port: 3306, database: 'erp', user: 'reader' };
  const thrown = Object.assign(new Error('unknown plugin auth_gssapi_client'), {
    code: 'AUTH_SWITCH_PLUGIN_ERROR',
  });
  expect(toSourceError(thrown, place)).toMatchObject({
    name: 'TerminalError',
    code: 'sign-in-method',
    remedy: expect.stringContaining('caching_sha2_password'),
  });
});

test.each(Object.values(connectors).map(({ label }, index) => [label, index] as const))(
  '%s refuses the settings of another kind',
  async (_, index) => {
    const connector = Object.values(connectors)[index];
    const settings = { kind: 'none' };
    const context = { hosts: makeHostGuard([]), now: () => 0 };
    const connect = async () =>
      // Settings of no kind at all, as a record of a later version could have them.
      connector?.connect(
        { settings, credentials: null } as never,
        context as never,
        new AbortController().signal,
      );
    await expect(connect()).rejects.toMatchObject({ code: 'source-kind' });
  },
);
