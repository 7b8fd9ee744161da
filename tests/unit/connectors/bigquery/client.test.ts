import type { ApiQuestion, BigQueryApi } from '#connectors/bigquery/api';
import { openClient } from '#connectors/bigquery/client';

/** An API that answers by the path of a question; what is no object is the status of a refusal. */
function answering(answer: (path: string) => object | number): BigQueryApi {
  return {
    account: 'reader',
    own: false,
    jobProject: 'shop',
    warehouseLocation: 'EU',
    signIn: () => Promise.resolve(),
    ask({ path }: ApiQuestion) {
      const said = answer(path);
      return typeof said === 'object'
        ? Promise.resolve(said)
        : Promise.reject(
            Object.assign(new Error('Not found: Table _a1'), { status: said, reason: 'notFound' }),
          );
    },
  };
}

test('an answer that BigQuery keeps no longer is read anew, and is no table that is not found', async () => {
  const place = { project: 'shop', dataset: 'sales' };
  const open = (api: BigQueryApi) => openClient(api, place, 60_000, new AbortController().signal);
  const done = { status: { state: 'DONE' }, statistics: {} };
  const client = open(
    answering((path) =>
      path.endsWith('/datasets/sales') ? { location: 'EU' } : path.includes('/queries/') ? 404 : done,
    ),
  );
  await expect(client.run('rows 1', 'SELECT 1', 'orders')).rejects.toMatchObject({ code: 'snapshot-gone' });
  await expect(client.page({ jobId: 'j', rows: 5 }, 0, 5)).rejects.toMatchObject({ code: 'snapshot-gone' });
  // A job of a table that is not there says so itself.
  const errorResult = { reason: 'notFound', message: 'Not found: Table shop:sales.orders' };
  const failed = open(
    answering((path) =>
      path.endsWith('/datasets/sales')
        ? { location: 'EU' }
        : { ...done, status: { state: 'DONE', errorResult } },
    ),
  );
  await expect(failed.run('rows 1', 'SELECT 1', 'orders')).rejects.toMatchObject({
    code: 'not-found-in-bigquery',
  });
});
