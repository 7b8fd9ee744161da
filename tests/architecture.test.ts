import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_AREAS } from '#core/error-codes';
import { listDeployables, readDeploy, ROOT } from '#scripts/deployables';
import { collectCodes } from '#scripts/errors/collect';
import { reproducedBy, TESTS } from '#scripts/errors/page';

/** Module specifiers a source file imports. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  return [
    ...source.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^'"\n]*?(?:\{[^}]*\})?[^'"\n]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"]([^'"]+)['"]/g,
    ),
  ].map((found) => found[1] ?? found[2] ?? found[3] ?? '');
}

/** Where an import of `file` leads, as a path below the project's folder; a package's name as it is. */
function target(file: string, specifier: string): string {
  if (specifier.startsWith('#')) {
    const [alias, ...rest] = specifier.slice(1).split('/');
    if (alias === 'scripts') return join('scripts', ...rest);
    return alias === 'tests' ? join('tests/support', ...rest) : join('functions', alias ?? '', ...rest);
  }
  return specifier.startsWith('.') ? join(file, '..', specifier) : specifier;
}

const sources = (pattern: string) =>
  globSync(pattern, { cwd: ROOT }).filter((file) => !file.endsWith('.d.ts'));
const violations = (files: readonly string[], allowed: (to: string, file: string) => boolean) =>
  files.flatMap((file) =>
    importsOf(file)
      .map((specifier) => target(file, specifier))
      .filter((to) => !allowed(to, file))
      .map((to) => `${file} imports ${to}`),
  );

const isGoogle = (to: string) => /^(@google-cloud\/|firebase-admin|google-auth-library|google-gax)/.test(to);
const SHARED = ['core', 'runtime', 'cloud', 'store', 'connectors', 'columnar', 'recommender'];

test('core is pure: zod and itself only', () => {
  expect(
    violations(sources('functions/core/**/*.ts'), (to) => to === 'zod' || to.startsWith('functions/core/')),
  ).toEqual([]);
});

test('only cloud imports Google packages; runtime may import the Functions Framework', () => {
  const files = sources('functions/**/*.ts').filter((file) => !file.startsWith('functions/cloud/'));
  expect(
    violations(
      files,
      (to, file) =>
        !isGoogle(to) ||
        (file.startsWith('functions/runtime/') && to.startsWith('@google-cloud/functions-framework')),
    ),
  ).toEqual([]);
});

test('the recommender and the columnar writer know no cloud', () => {
  const files = [...sources('functions/recommender/**/*.ts'), ...sources('functions/columnar/**/*.ts')];
  expect(violations(files, (to) => !/^functions\/(cloud|store|runtime|connectors)\//.test(to))).toEqual([]);
});

test('connectors know nothing of runs, stores or clouds', () => {
  expect(
    violations(
      sources('functions/connectors/**/*.ts'),
      (to) => !/^functions\/(cloud|store|runtime|etl)\//.test(to),
    ),
  ).toEqual([]);
});

test('capabilities do not import each other', () => {
  const files = sources('functions/*/**/*.ts').filter((file) => !SHARED.includes(file.split('/')[1] ?? ''));
  expect(
    violations(files, (to, file) => {
      const folder = to.startsWith('functions/') ? to.split('/')[1] : undefined;
      return folder === undefined || SHARED.includes(folder) || folder === file.split('/')[1];
    }),
  ).toEqual([]);
});

test('the web imports web and core only', () => {
  const files = [...sources('web/**/*.ts'), ...sources('web/**/*.tsx')];
  expect(violations(files, (to) => !/^(functions\/(?!core\/)|scripts\/|tests\/)/.test(to))).toEqual([]);
});

test('the start script speaks to the product from outside: nothing of functions but core', () => {
  const files = [...sources('scripts/start.ts'), ...sources('scripts/start/**/*.ts')];
  expect(files.length).toBeGreaterThan(0);
  expect(violations(files, (to) => !/^functions\/(?!core\/)/.test(to))).toEqual([]);
});

test('every entry exports deploy and handler, and nothing else', async () => {
  const wrong: string[] = [];
  for (const one of listDeployables()) {
    const entry: unknown = await import(join(ROOT, one.file));
    const names = Object.keys(Object(entry)).sort().join(', ');
    if (names !== 'deploy, handler') wrong.push(`${one.file} exports ${names}`);
  }
  expect(wrong).toEqual([]);
});

test('the deployables', async () => {
  const listed = await Promise.all(
    listDeployables().map(async (one) => `${one.name} (${(await readDeploy(one)).trigger})`),
  );
  expect(listed).toEqual([
    'alerts-api (http)',
    'alerts-delivery-requested (event)',
    'alerts-deployment-finished (event)',
    'alerts-etl-finished (event)',
    'alerts-pipeline-finished (event)',
    'alerts-schedule-concluded (event)',
    'alerts-watch (event)',
    'audit-api (http)',
    'audit-seal (event)',
    'connection-tests-api (http)',
    'connection-tests-test (event)',
    'connection-tests-watch (event)',
    'control-plane-api (http)',
    'control-plane-dead-letter (event)',
    'control-plane-outbox (event)',
    'datasets-api (http)',
    'deployments-api (http)',
    'deployments-recommender (service)',
    'deployments-requested (event)',
    'deployments-watch (event)',
    'etl-api (http)',
    'etl-cancel-requested (event)',
    'etl-finished (event)',
    'etl-requested (event)',
    'etl-runner (job)',
    'etl-start-requested (event)',
    'etl-watch (event)',
    'keys-api (http)',
    'members-api (http)',
    'models-api (http)',
    'models-purge (event)',
    'operator-api (http)',
    'pipelines-api (http)',
    'pipelines-cancel-requested (event)',
    'pipelines-deployment-finished (event)',
    'pipelines-extraction (event)',
    'pipelines-start-requested (event)',
    'pipelines-trainer (job)',
    'pipelines-training (event)',
    'pipelines-training-finished (event)',
    'pipelines-vocabulary (event)',
    'pipelines-watch (event)',
    'schedules-api (http)',
    'schedules-etl-finished (event)',
    'schedules-pipeline-finished (event)',
    'schedules-schedule-fired (event)',
    'schedules-watch (event)',
    'sources-api (http)',
    'tenants-api (http)',
    'tenants-export-requested (event)',
    'tenants-import-requested (event)',
    'tenants-purge (event)',
    'tenants-watch (event)',
    'versions-api (http)',
  ]);
});

test('every error code that is said anywhere is in the registry (core/error-codes), no other is, and a test brings it about', () => {
  const said = collectCodes(ROOT);
  const known = ERROR_AREAS.flatMap(({ codes }) => Object.keys(codes));
  const all = new Set(said.map(({ code }) => code));
  // This file has the codes of none but itself.
  const tests = TESTS.flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
    .filter((file) => file !== 'tests/architecture.test.ts')
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));
  const expectedIn = reproducedBy(tests);
  expect({
    unexplained: said
      .filter(({ code }) => !known.includes(code))
      .map(({ code, file }) => `${code} (${file})`),
    unsaid: known.filter((code) => !all.has(code)),
    twice: known.filter((code, at) => known.indexOf(code) !== at),
    untested: known.filter((code) => expectedIn(code).length === 0),
  }).toEqual({ unexplained: [], unsaid: [], twice: [], untested: [] });
}, 60_000);

test('dependencies have exact versions', () => {
  const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const groups = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;
  const loose = groups.flatMap((group) =>
    Object.entries(Object(Object(manifest)[group]))
      .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)))
      .map(([name, version]) => `${name}@${String(version)}`),
  );
  expect(loose).toEqual([]);
});

test('files stay small: none over 400 lines, and no file of leftovers', () => {
  const files = [
    ...sources('functions/**/*.ts'),
    ...sources('scripts/**/*.ts'),
    ...sources('web/**/*.{ts,tsx}'),
  ];
  const long = files.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > 401);
  const vague = files.filter((file) => /\/(utils?|helpers?|common|misc)\.tsx?$/.test(file));
  expect({ long, vague }).toEqual({ long: [], vague: [] });
});
