/*
 * Everybody's recommendations as tables of the warehouse. The trainer writes them beside the artifact, one Parquet file for
 * each slot, which are loaded when the version goes live (publish-lists.ts).
 */
import type { Field } from '#cloud/bigquery';
import type { Files } from '#cloud/storage';
import type { Column } from '#core/column';
import { SLOTS, type SlotName } from '#core/slot';
import { type ColumnBuilder, makeTableWriter } from '#columnar/table-writer';
import { batchRows } from '#recommender/batch';
import type { Recommender } from '#recommender/recommend';

/** How many items everybody's list has. */
export const BATCH_LENGTH = 20;

/** The fields of the files, and of the tables that they become. */
export const BATCH_FIELDS: readonly Field[] = [
  { name: 'customer', type: 'STRING', description: 'Key of the customer' },
  { name: 'place', type: 'INT64', description: 'From 1, the best' },
  { name: 'item', type: 'STRING', description: 'Key of the item' },
  { name: 'item_name', type: 'STRING' },
  { name: 'score', type: 'FLOAT64', description: '0: a popular item, of which the model has no opinion' },
  { name: 'version', type: 'STRING', description: 'The version that computed it' },
];
const COLUMNS: readonly Column[] = BATCH_FIELDS.map(({ name, type }) => ({
  name,
  type,
  nullable: name === 'item_name',
  sourceType: type,
}));

/** Where a slot's file lies, given the artifact's address: they are written side by side. */
export function batchFileBeside(artifact: string, slot: SlotName): string {
  return artifact.replace(/[^/]*$/, `recommendations-${slot}.parquet`);
}

/** Writes the files beside `artifact`, replacing what an earlier try left; streamed, so memory does not grow with the customers. */
export async function writeBatchLists(
  files: Pick<Files, 'openWriter'>,
  recommender: Recommender,
  artifact: string,
  version: string,
  signal?: AbortSignal,
): Promise<void> {
  for (const slot of SLOTS) {
    const object = files.openWriter(batchFileBeside(artifact, slot), 'application/octet-stream');
    try {
      const writer = makeTableWriter(COLUMNS, object);
      for await (const rows of batchRows(recommender, slot, BATCH_LENGTH, signal)) {
        for (const { customer, place, item, name, score } of rows) {
          [customer, place, item, name, score, version].forEach((value, index) =>
            append(writer.builders[index], value),
          );
          writer.endRow();
        }
        if (writer.full) await writer.drain();
      }
      await writer.close();
      await object.close();
    } catch (thrown) {
      object.abort();
      throw thrown;
    }
  }
}

function append(builder: ColumnBuilder | undefined, value: string | number | null): void {
  if (value === null) builder?.appendNull();
  else if (builder?.kind === 'integer') builder.appendNumber(Number(value));
  else if (builder?.kind === 'float') builder.append(Number(value));
  else if (builder?.kind === 'bytes') builder.appendText(String(value));
}
