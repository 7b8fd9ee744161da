// jest takes the default export.
export { setup as default } from './local-cloud.ts';
