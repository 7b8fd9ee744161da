import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { contract, listQuery, pageOf } from '#core/api/contract';
import { paths } from '#core/paths';
import { generate } from '../../scripts/indexes.ts';
import { planIndexes } from '../../scripts/indexes/plan.ts';

const Indexes = z.object({
  indexes: z.array(
    z.object({ collectionGroup: z.string(), fields: z.array(z.object({ fieldPath: z.string() })) }),
  ),
  fieldOverrides: z.array(
    z.object({ collectionGroup: z.string(), fieldPath: z.string(), ttl: z.boolean().optional() }),
  ),
});

const IDS = ['a', 'b', 'c', 'd'];
/** Every collection that has a path, below a document of any depth. */
const collections = new Set(
  Object.values(paths).flatMap((path) =>
    (typeof path === 'string' ? path : Reflect.apply(path, null, IDS))
      .split('/')
      .filter((part: string) => !IDS.includes(part)),
  ),
);

test('the file is what the contracts and queries ask for: run node scripts/indexes.ts after changing them', async () => {
  const { file, text } = await generate();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(text));
});

test('every index is of a collection that exists', async () => {
  const { indexes, fieldOverrides } = Indexes.parse(JSON.parse((await generate()).text));
  const named = [...indexes, ...fieldOverrides].map((one) => one.collectionGroup);
  expect([...new Set(named)].filter((name) => !collections.has(name))).toEqual([]);
});

test('a list has an index for each filter and for what is deleted, in both orders of each field it can be sorted by', () => {
  const list = contract({
    method: 'GET',
    path: '/api/tenants/{tenant}/models/{model}/pipelines/runs',
    access: 'read',
    summary: 'A list.',
    query: listQuery({ status: z.string().optional(), search: z.string().optional() }, ['createdAt']),
    answer: pageOf(z.object({})),
  });
  const [known, planned] = [planIndexes([]), planIndexes([list])];
  const added = planned.indexes.filter(
    (one) => !known.indexes.some((other) => JSON.stringify(other) === JSON.stringify(one)),
  );
  expect(
    added.map(({ collectionGroup, fields }) => [
      collectionGroup,
      ...fields.map(({ fieldPath, order }) => `${fieldPath} ${order}`),
    ]),
  ).toEqual([
    ['pipelineRuns', 'deletedAt ASCENDING', 'createdAt ASCENDING'],
    ['pipelineRuns', 'deletedAt ASCENDING', 'createdAt DESCENDING'],
    ['pipelineRuns', 'deletedAt ASCENDING', 'name ASCENDING'],
    ['pipelineRuns', 'name ASCENDING', 'deletedAt ASCENDING'],
    ['pipelineRuns', 'status ASCENDING', 'createdAt ASCENDING'],
    ['pipelineRuns', 'status ASCENDING', 'createdAt DESCENDING'],
    ['pipelineRuns', 'status ASCENDING', 'deletedAt DESCENDING'],
    ['pipelineRuns', 'status ASCENDING', 'name ASCENDING'],
  ]);
});

test('claims on messages go by themselves: Firestore removes them when expireAt has passed', async () => {
  const { fieldOverrides } = Indexes.parse(JSON.parse((await generate()).text));
  const expiring = fieldOverrides
    .filter((one) => one.ttl === true)
    .map((one) => `${one.collectionGroup}/${one.fieldPath}`);
  expect(expiring).toContain(`${paths.claim('c1').split('/')[0]}/expireAt`);
});
