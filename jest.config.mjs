// One jest project per suite; `npm run jest -- --selectProjects unit` runs one of them.
const shared = {
  // Node itself strips types and loads modules: see tests/support/native/runtime.cjs.
  transform: {},
  runtime: '<rootDir>/tests/support/native/runtime.cjs',
  testEnvironment: '<rootDir>/tests/support/native/environment.cjs',
  setupFiles: ['<rootDir>/tests/support/quiet.ts'],
  globalSetup: '<rootDir>/tests/support/kernels-setup.ts',
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.tradewind'],
};
const suite = (name, extra = {}) => ({
  ...shared,
  displayName: name,
  testMatch: [`<rootDir>/tests/${name}/**/*.test.ts`],
  ...extra,
});
// One local cloud for all tests of a run (tests/support/local-cloud.ts).
const onLocalCloud = {
  globalSetup: '<rootDir>/tests/support/local-cloud-setup.ts',
  globalTeardown: '<rootDir>/tests/support/local-cloud-teardown.ts',
};
export default {
  projects: [
    suite('unit', {
      testMatch: ['<rootDir>/tests/unit/**/*.test.ts', '<rootDir>/tests/architecture.test.ts'],
    }),
    suite('simulation'),
    suite('contract'),
    suite('integration', onLocalCloud),
    suite('rules'),
    suite('e2e', onLocalCloud),
  ],
  testSequencer: '<rootDir>/tests/support/longest-first.mjs',
  testTimeout: 60_000,
  maxWorkers: 2,
};
