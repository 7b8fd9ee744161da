// jest takes the default export.
export { teardown as default } from './local-cloud.ts';
