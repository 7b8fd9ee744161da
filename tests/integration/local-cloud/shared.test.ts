import { Firestore } from '@google-cloud/firestore';
import { listDeployables } from '#scripts/local/deployables';
import { useLocalCloud } from '#tests/local-cloud';

test('a test finds the shared cloud, and official clients find it by their environment', async () => {
  const cloud = useLocalCloud();
  expect(process.env['FIRESTORE_EMULATOR_HOST']).toBe(`127.0.0.1:${cloud.ports.firestore}`);
  const firestore = new Firestore({ projectId: cloud.projectId });
  await firestore.doc('tenants/shared-cloud-test').set({ name: 'x' });
  expect((await firestore.doc('tenants/shared-cloud-test').get()).data()).toEqual({ name: 'x' });
  await firestore.terminate();
});

test('every function of the product is loaded', async () => {
  const { urls } = useLocalCloud();
  const functions = listDeployables('functions').filter(({ kind }) => kind === 'function');
  const answers = await Promise.all(
    functions.map(async ({ name }) => {
      const response = await fetch(`${urls.functions}/${name}/`);
      return { name, answer: response.status === 503 ? await response.text() : 'loaded' };
    }),
  );
  expect(answers).toEqual(functions.map(({ name }) => ({ name, answer: 'loaded' })));
});
