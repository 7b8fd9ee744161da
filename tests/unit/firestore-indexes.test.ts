import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { paths } from '#core/paths';
import { ROOT } from '#scripts/deployables';

const Indexes = z.object({
  fieldOverrides: z.array(
    z.object({ collectionGroup: z.string(), fieldPath: z.string(), ttl: z.boolean().optional() }),
  ),
});

test('claims on messages go by themselves: Firestore removes them when expireAt has passed', () => {
  const { fieldOverrides } = Indexes.parse(
    JSON.parse(readFileSync(`${ROOT}/firestore.indexes.json`, 'utf8')),
  );
  const expiring = fieldOverrides
    .filter((one) => one.ttl === true)
    .map((one) => `${one.collectionGroup}/${one.fieldPath}`);
  expect(expiring).toContain(`${paths.claim('c1').split('/')[0]}/expireAt`);
});
