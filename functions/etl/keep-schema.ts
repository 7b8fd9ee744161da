/**
 * After a table's publication: keeps what columns its raw table has now and, where a new version was accepted, makes that
 * version the table's own, with every data set that works with it, in one batch. Until then all that reads the raw table
 * reads the version before.
 */
import type { Write } from '#cloud/firestore';
import { Dataset } from '#core/dataset';
import { MAX_KEPT_COLUMNS } from '#core/drift';
import { EtlTable } from '#core/etl-run';
import { paths } from '#core/paths';
import { GRACE_DAYS } from '#core/resource';
import { SourceTable } from '#core/source';
import { readersOf, schemaAfter, withProposal } from '#core/table-drift';
import { read, readAll, revise } from '#store/document';
import { worksOver } from '#store/raw-tables';
import { now } from '#store/store';
import type { Place } from './place.ts';
import { plannedColumns, type TablePlan } from './records.ts';
import { tablePath } from './run-key.ts';
import { isOver } from './tables.ts';

/** May be done again; does nothing for a run whose table is over, or a table that is gone. */
export async function keepSchema(place: Place, plan: TablePlan): Promise<void> {
  const { store, key, warehouse, dataset } = place;
  const path = paths.sourceTable(key.tenant, key.model, plan.source, plan.id);
  const ours = await read(store, tablePath(key, plan.id), EtlTable);
  if (ours === null || isOver(ours.value) || (await read(store, path, SourceTable)) === null) return;
  const raw = await warehouse.describe({ dataset, table: plan.destination });
  if (raw === null) return;
  const names = plannedColumns(plan);
  const columns = schemaAfter(
    plan.columns.map((column, index) => ({ column, name: names[index]?.name ?? column.name })),
    raw.fields,
  );
  await revise(store, path, SourceTable, async (table) => {
    const begins = table.next === plan.destination && !plan.nothing;
    // Neither what it is nor what it is to be: it was decided otherwise meanwhile.
    if (!begins && table.destination !== plan.destination) return null;
    const at = now(store);
    const loaded =
      columns.length > MAX_KEPT_COLUMNS
        ? null
        : {
            columns,
            key: plan.sourceKey,
            excluded: plan.excluded,
            absent: plan.absent,
            run: key.run,
            at,
          };
    const readers = readersOf(await readAll(store, paths.datasets(key.tenant, key.model), Dataset));
    if (!begins) return { value: withProposal({ ...table, loaded }, readers, { at, by: key.run }) };
    const moved = await movedDatasets(place, table.destination, plan.destination, at);
    const former = { destination: table.destination, until: at, expiresAt: null };
    const version = {
      ...table,
      loaded,
      destination: plan.destination,
      next: null,
      proposal: null,
      former: [...table.former, former],
    };
    return {
      value: withProposal(version, readers, { at, by: key.run }),
      writes: moved.map(({ write }) => write),
      audit: {
        tenant: key.tenant,
        actor: 'system',
        action: 'table.version',
        target: path,
        before: { destination: table.destination },
        after: { destination: plan.destination, datasets: moved.map(({ id }) => id).join(', ') },
      },
    };
  });
  await expireFormer(place, path);
}

/** Every data set over `from` that works over `to` as well, to be moved there: deleted ones too, for they may be restored. */
async function movedDatasets(
  { store, key, tenant, warehouse }: Place,
  from: string,
  to: string,
  at: string,
): Promise<{ readonly id: string; readonly write: Write }[]> {
  const moved: { id: string; write: Write }[] = [];
  for (const found of await store.db.list(paths.datasets(key.tenant, key.model))) {
    const dataset = Dataset.parse(found.data);
    if (!dataset.tables.some(({ destination }) => destination === from)) continue;
    const tables = dataset.tables.map((one) =>
      one.destination === from ? { ...one, destination: to } : one,
    );
    if (!(await worksOver(warehouse, tenant, key.model, { ...dataset, tables }, to)).works) continue;
    const data = { tables, updatedAt: at };
    moved.push({
      id: dataset.id,
      write: { kind: 'update', path: found.path, data, version: found.version },
    });
  }
  return moved;
}

/** Former versions that no data set reads, deleted ones among them, go by themselves after the time of grace. */
async function expireFormer(place: Place, path: string): Promise<void> {
  const { store, key, warehouse, dataset } = place;
  const table = await read(store, path, SourceTable);
  const waiting = table?.value.former.filter(({ expiresAt }) => expiresAt === null) ?? [];
  if (waiting.length === 0) return;
  const datasets = await readAll(store, paths.datasets(key.tenant, key.model), Dataset);
  const inUse = new Set(datasets.flatMap((one) => one.tables.map(({ destination }) => destination)));
  const hours = GRACE_DAYS * 24;
  const expiresAt = new Date(store.clock() + hours * 3_600_000).toISOString();
  const going = waiting.filter(({ destination }) => !inUse.has(destination));
  for (const { destination } of going)
    if ((await warehouse.describe({ dataset, table: destination })) !== null)
      await warehouse.expireTable({ dataset, table: destination }, hours);
  if (going.length > 0)
    await revise(store, path, SourceTable, (one) => ({
      value: {
        ...one,
        former: one.former.map((former) =>
          going.some(({ destination }) => destination === former.destination)
            ? { ...former, expiresAt }
            : former,
        ),
      },
    }));
}
