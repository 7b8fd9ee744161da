import { EtlRun, EtlTable } from '#core/etl-run';
import { paths } from '#core/paths';
import { Source } from '#core/source';
import { mustRead, readAll } from '#store/document';
import type { Store } from '#store/store';
import type { RunKey } from './run-key.ts';

/** Runs looked at together, and the most that are looked at for one answer. */
const PAGE = 50;
const MOST = 1000;

/**
 * What the last runs did to a source's tables (or one of them), newest first: at most `limit` entries, of the last thousand
 * runs of the model.
 */
export async function tableHistory(
  store: Store,
  { tenant, model }: Pick<RunKey, 'tenant' | 'model'>,
  wanted: { readonly source: string; readonly table?: string | undefined; readonly limit: number },
): Promise<EtlTable[]> {
  await mustRead(store, paths.source(tenant, model, wanted.source), Source, 'source');
  const items: EtlTable[] = [];
  let after: string | null = null;
  for (let looked = 0; items.length < wanted.limit && looked < MOST; looked += PAGE) {
    const runs: EtlRun[] = await readAll(store, paths.etlRuns(tenant, model), EtlRun, {
      orderBy: ['createdAt', 'desc'],
      limit: PAGE,
      ...(after === null ? {} : { after }),
    });
    // Many runs are of other sources alone.
    const tables = await Promise.all(
      runs.map(({ id }) =>
        readAll(store, paths.etlTables(tenant, model, id), EtlTable, {
          where: [['source', '==', wanted.source]],
        }),
      ),
    );
    items.push(...tables.flat().filter((one) => wanted.table === undefined || one.id === wanted.table));
    const last = runs.at(-1);
    if (last === undefined || runs.length < PAGE) break;
    after = paths.etlRun(tenant, model, last.id);
  }
  return items.slice(0, wanted.limit);
}
