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

test('outbound addresses are addresses or networks, and nothing else', () => {
  const of = (text: string) => readConfig({ ...env, TRADEWIND_OUTBOUND_ADDRESSES: text }).outboundAddresses;
  expect(of('')).toEqual([]);
  expect(of('203.0.113.7, 203.0.113.8/30,2001:db8::/64')).toEqual([
    '203.0.113.7',
    '203.0.113.8/30',
    '2001:db8::/64',
  ]);
  for (const wrong of ['out.example.com', '203.0.113.7/33', '203.0.113', '203.0.113.7/x', '203.0.113.7/-1'])
    expect(() => of(wrong)).toThrow(/TRADEWIND_OUTBOUND_ADDRESSES: must be addresses/);
});

test('what is missing or wrong is named, and no value is shown', () => {
  const key = Buffer.from('too short').toString('base64');
  const broken = { ...env, TRADEWIND_BUCKET: undefined, TRADEWIND_INSTALLATION_KEY: key };
  expect(() => readConfig(broken)).toThrow(/TRADEWIND_BUCKET.*TRADEWIND_INSTALLATION_KEY: must be 32 bytes/);
  expect(() => readConfig(broken)).not.toThrow(key);
});

test('a container knows its tenant’s key, and is told clearly that the installation’s is not there', () => {
  const key = Buffer.alloc(32, 5);
  const config = readConfig({
    ...env,
    TRADEWIND_INSTALLATION_KEY: undefined,
    TRADEWIND_TENANT_KEYS: `2;1:${Buffer.alloc(32, 4).toString('base64')},2:${key.toString('base64')}`,
  });
  expect(config.tenantKeys?.current).toBe(2);
  expect(config.tenantKeys?.keys.get(2)).toEqual(key);
  expect(() => config.installationKey).toThrow(
    expect.objectContaining({
      code: 'configuration-invalid',
      message: 'TRADEWIND_INSTALLATION_KEY is not set here.',
    }),
  );
});

test('containers are started from the images of the same release', () => {
  const config = readConfig({
    ...env,
    TRADEWIND_IMAGE_TAGS: 'deployments-recommender=ab12,pipelines-trainer=cd34',
  });
  expect(config.imageOf('pipelines-trainer')).toBe('eu.pkg.dev/p/tradewind/pipelines-trainer:cd34');
  expect(config.imageOf('etl-runner')).toBe('eu.pkg.dev/p/tradewind/etl-runner');
  expect(() => readConfig({ ...env, TRADEWIND_IMAGE_TAGS: 'a b' })).toThrow(/TRADEWIND_IMAGE_TAGS/);
});
