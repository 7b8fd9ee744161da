import { readConfig } from '../../../functions/runtime/config.ts';

const env = {
  GOOGLE_CLOUD_PROJECT: 'p',
  TRADEWIND_BUCKET: 'b',
  TRADEWIND_IMAGES: 'eu.pkg.dev/p/tradewind',
  TRADEWIND_INSTALLATION_KEY: Buffer.alloc(32, 7).toString('base64'),
};

test('a complete environment is read and frozen', () => {
  const config = readConfig({ ...env, TRADEWIND_ALLOWED_HOSTS: ' a.example , 10.0.0.1:5432,' });
  expect(config.allowedHosts).toEqual(['a.example', '10.0.0.1:5432']);
  expect(config.location).toBe('europe-west1');
  expect(Object.isFrozen(config)).toBe(true);
});

test('what is missing or wrong is named, and no value is shown', () => {
  const key = Buffer.from('too short').toString('base64');
  const broken = { ...env, TRADEWIND_BUCKET: undefined, TRADEWIND_INSTALLATION_KEY: key };
  expect(() => readConfig(broken)).toThrow(/TRADEWIND_BUCKET.*TRADEWIND_INSTALLATION_KEY: must be 32 bytes/);
  expect(() => readConfig(broken)).not.toThrow(key);
});

test('a container knows its tenant’s key, and is told clearly that the installation’s is not there', () => {
  const tenantKey = Buffer.alloc(32, 5);
  const config = readConfig({
    ...env,
    TRADEWIND_INSTALLATION_KEY: undefined,
    TRADEWIND_TENANT_KEY: tenantKey.toString('base64'),
  });
  expect(config.tenantKey).toEqual(tenantKey);
  expect(() => config.installationKey).toThrow(/TRADEWIND_INSTALLATION_KEY is not set here/);
});
