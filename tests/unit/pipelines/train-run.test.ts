import { createHash } from 'node:crypto';
import { DuckDBInstance } from '@duckdb/node-api';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { zstdDecompressSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { join } from 'node:path';
import type { Files } from '../../../functions/cloud/storage.ts';
import { TransientError } from '../../../functions/core/errors.ts';
import {
  OfflineLists,
  snapshotFolder,
  trainingFiles,
  TrainingResult,
} from '../../../functions/core/training-result.ts';
import { batchFileBeside } from '../../../functions/pipelines/batch-lists.ts';
import { trainRun } from '../../../functions/pipelines/train-run.ts';
import { offlineLists } from '../../../functions/recommender/offline-lists.ts';
import { openRecommender } from '../../../functions/recommender/recommend.ts';
import type { JobContext } from '../../../functions/runtime/job.ts';
import { wholesaler } from '#tests/purchases';
import { readWithDuckDb } from '#tests/parquet';

const env = {
  TRADEWIND_TENANT: 't1234',
  TRADEWIND_MODEL: 'm1234',
  TRADEWIND_RUN: 'r1234',
  TRADEWIND_ATTEMPT: 1,
};
const at = trainingFiles('bucket', 't1234', 'm1234', 'r1234', 1);
const snapshotAt = snapshotFolder('bucket', 't1234', 'm1234', 'r1234', 2);
const request = (settings: object, counted: object = {}) =>
  Buffer.from(
    JSON.stringify({
      settings,
      asOf: '2026-01-01T00:00:00.000Z',
      snapshot: snapshotAt,
      rows: { ...rows, ...counted },
      champion: null,
    }),
  );
/** What the snapshot holds. */
let rows = { customers: 0, items: 0, interactions: 0 };

/** A bucket in memory; the calls that the trainer makes. */
function bucketWith(objects: Map<string, Uint8Array>): Files {
  const fake: Pick<Files, 'stat' | 'list' | 'read' | 'readAll' | 'save' | 'openWriter'> = {
    stat: (uri) => Promise.resolve(objects.has(uri) ? { uri, bytes: 1, generation: '1' } : null),
    list: (prefix) =>
      Promise.resolve(
        [...objects.keys()]
          .filter((uri) => uri.startsWith(prefix))
          .map((uri) => ({ uri, bytes: objects.get(uri)!.byteLength, generation: '1' })),
      ),
    // In two pieces, as a download may come.
    async *read(uri, _generation, range) {
      const bytes = objects.get(uri)!.subarray(range?.start, range?.end);
      yield bytes.subarray(0, bytes.length >> 1);
      yield bytes.subarray(bytes.length >> 1);
    },
    readAll: (uri) => {
      const found = objects.get(uri);
      return found
        ? Promise.resolve(found)
        : Promise.reject(new TransientError('storage-unavailable', `${uri} away`));
    },
    openWriter: (uri) => {
      const chunks: Uint8Array[] = [];
      return {
        write: async (chunk) => void chunks.push(chunk.slice()),
        close: async () => void objects.set(uri, Buffer.concat(chunks)),
        abort: () => undefined,
      };
    },
    save: (uri, data) =>
      Promise.resolve(void objects.set(uri, typeof data === 'string' ? Buffer.from(data) : data)),
  };
  return fake as Files;
}

/** A job's surroundings whose database knows the tenant; what is committed and published is kept. */
function surroundings() {
  const published: string[] = [];
  const logged: string[] = [];
  const say = (message: string) => void logged.push(message);
  const cloud = { projectId: 'p', location: 'l', bucket: 'bucket', datasetPrefix: '' };
  const tenant = {
    id: 't1234',
    name: 'T',
    plan: 'trial',
    status: 'active',
    cloud,
    createdAt: '2025-01-01T00:00:00.000Z',
  };
  const context = {
    store: {
      db: {
        get: (path: string) => Promise.resolve({ path, id: 't1234', data: tenant, version: '1' }),
        commit: () => Promise.resolve(),
      },
      bus: { publish: (topic: string) => Promise.resolve(void published.push(topic)) },
      clock: () => Date.UTC(2026, 0, 1),
      random: (n: number) => new Uint8Array(n),
    },
    log: { debug: say, info: say, warn: say, error: say },
    signal: new AbortController().signal,
  };
  // The trainer uses no more of a job's context than this.
  return { context: context as unknown as JobContext, published, logged };
}

async function snapshotFiles(): Promise<Map<string, Uint8Array>> {
  const { interactions, customers, items } = wholesaler({ customers: 60, items: 40 });
  rows = { customers: 60, items: 40, interactions: interactions.item.length };
  const folder = await mkdtemp(join(tmpdir(), 'tradewind-trainer-'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const objects = new Map<string, Uint8Array>();
  const write = async (name: string, types: string, rows: string[]) => {
    const file = join(folder, `${name}.parquet`);
    await connection.run(`CREATE TABLE ${name} (${types}); INSERT INTO ${name} VALUES ${rows.join(',')};`);
    await connection.run(`COPY ${name} TO '${file}' (FORMAT parquet)`);
    objects.set(`${snapshotAt}${name}-000000000000.parquet`, await readFile(file));
  };
  try {
    await write(
      'customers',
      'id BIGINT, key VARCHAR, name VARCHAR',
      customers.keys.map((key, id) => `(${id}, '${key}', NULL)`),
    );
    await write(
      'items',
      'id BIGINT, key VARCHAR, name VARCHAR, category VARCHAR',
      items.keys.map((key, id) => `(${id}, '${key}', 'Item ${key}', NULL)`),
    );
    await write(
      'interactions',
      'customer BIGINT, item BIGINT, time TIMESTAMPTZ, quantity DOUBLE, value DOUBLE, basket VARCHAR',
      Array.from(
        interactions.item,
        (item, n) =>
          `(${interactions.customer[n]}, ${item}, to_timestamp(${interactions.time[n]! / 1000}), 1, NULL, 'o${interactions.basket[n]}')`,
      ),
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true });
  }
  return objects;
}

describe('the trainer', () => {
  let snapshot: Map<string, Uint8Array>;
  beforeAll(async () => {
    snapshot = await snapshotFiles();
  });

  it('leaves an artifact that gives the offline lists, a result that names it, and announces the end', async () => {
    const objects = new Map([
      ...snapshot,
      [at.request, request({ preset: 'quick', trials: 3, holdout: { quantile: 0.2 } })] as const,
    ]);
    const { context, published, logged } = surroundings();
    await trainRun(context, bucketWith(objects), env);
    const read = (uri: string) => JSON.parse(Buffer.from(objects.get(uri) ?? []).toString());
    const result = TrainingResult.parse(read(at.result));
    const artifact = objects.get(at.artifact)!;
    expect(result).toMatchObject({
      ok: true,
      bytes: artifact.byteLength,
      sha256: createHash('sha256').update(artifact).digest('hex'),
      gate: { passed: true },
    });
    const due = await readWithDuckDb(
      objects.get(`${at.folder}signals_due.parquet`)!,
      `SELECT count(*) > 50 AS many, min(version) AS version, bool_and(customer LIKE 'c%') AS named,
         max(abs(date_diff('day', last_bought, expected) - interval_days)) < 400 AS sane,
         count(*) FILTER (confidence NOT BETWEEN 0.2 AND 1) AS wrong FROM $file`,
    );
    expect(due).toEqual([{ many: true, version: 'v1234', named: true, sane: true, wrong: '0' }]);
    const lists = OfflineLists.parse(read(at.offlineLists));
    expect(lists).toHaveLength(120);
    expect(lists).toEqual(offlineLists(openRecommender(artifact)));
    expect([...objects.keys()].at(-1)).toBe(at.result);
    const served = openRecommender(artifact);
    for (const slot of ['reorder', 'discover'] as const) {
      const rows = await parquetReadObjects({
        file: new Uint8Array(objects.get(batchFileBeside(at.artifact, slot))!).buffer,
        compressors: { ZSTD: (input) => new Uint8Array(zstdDecompressSync(input)) },
      });
      const expected = served.customers.keys.flatMap((customer, id) =>
        served.recommend(served.profile(id), { slot, k: 20 }).map(({ item, score }, place) => ({
          customer,
          place: BigInt(place + 1),
          item: served.items.keys[item],
          item_name: served.items.names[item],
          score,
          version: 'v1234',
        })),
      );
      expect(rows).toEqual(expected);
    }
    expect(published).toEqual(['training-finished']);
    expect(logged).toContain('trial');
  });

  it('goes on from its checkpoint when the container is started again, and ends with the same artifact', async () => {
    const fresh = () =>
      new Map([...snapshot, [at.request, request({ preset: 'quick', trials: 3 })] as const]);
    const undisturbed = fresh();
    await trainRun(surroundings().context, bucketWith(undisturbed), env);
    const objects = fresh();
    const bucket = bucketWith(objects);
    const dying: Files = {
      ...bucket,
      save: (uri, data, type) =>
        uri === at.artifact ? Promise.reject(new Error('killed')) : bucket.save(uri, data, type),
    };
    const first = surroundings();
    let now = Date.UTC(2026, 0, 1);
    Object.assign(first.context.store, { clock: () => (now += 10_000) });
    await expect(trainRun(first.context, dying, env)).rejects.toThrow('killed');
    expect(objects.has(at.result)).toBe(false);
    const again = surroundings();
    await trainRun(again.context, bucket, env);
    expect(again.logged).toContain('an earlier start of this attempt left a checkpoint');
    expect(objects.get(at.artifact)).toEqual(undisturbed.get(at.artifact));
  });

  it('announces again, and trains nothing, where the result is already there', async () => {
    const objects = new Map([[at.result, Buffer.from('{}')]]);
    const { context, published } = surroundings();
    await trainRun(context, bucketWith(objects), env);
    expect(published).toEqual(['training-finished']);
    expect(objects.size).toBe(1);
  });

  it('records what cannot be helped as a failed result, with the remedy', async () => {
    const settings = { preset: 'quick', holdout: { days: 300 } };
    const objects = new Map([...snapshot, [at.request, request(settings)] as const]);
    const { context, published } = surroundings();
    await trainRun(context, bucketWith(objects), env);
    const result = TrainingResult.parse(JSON.parse(Buffer.from(objects.get(at.result) ?? []).toString()));
    expect(result).toMatchObject({
      ok: false,
      failure: { code: 'history-too-short', remedy: expect.stringMatching(/longer history/) },
    });
    expect(published).toEqual(['training-finished']);
  });

  it('trains on no snapshot that has other rows than were counted', async () => {
    const counted = { interactions: rows.interactions + 1 };
    const objects = new Map([...snapshot, [at.request, request({ preset: 'quick' }, counted)] as const]);
    const { context } = surroundings();
    await trainRun(context, bucketWith(objects), env);
    const result = TrainingResult.parse(JSON.parse(Buffer.from(objects.get(at.result) ?? []).toString()));
    expect(result).toMatchObject({
      ok: false,
      failure: {
        code: 'snapshot-incomplete',
        message: `The snapshot ${snapshotAt} has ${rows.interactions} interactions; ${rows.interactions + 1} were counted when it was made.`,
      },
    });
  });

  it('trains nothing where what is asked for cannot be read', async () => {
    const objects = new Map<string, Uint8Array>([[at.request, Buffer.from('{"settings": ')]]);
    const { context } = surroundings();
    await trainRun(context, bucketWith(objects), env);
    const result = TrainingResult.parse(JSON.parse(Buffer.from(objects.get(at.result) ?? []).toString()));
    expect(result).toMatchObject({ ok: false, failure: { code: 'training-request-invalid' } });
  });

  it('leaves no result when the cloud is away: the next attempt may do better', async () => {
    const objects = new Map(snapshot);
    const { context, published } = surroundings();
    await expect(trainRun(context, bucketWith(objects), env)).rejects.toThrow(/request\.json away/);
    expect(objects.has(at.result)).toBe(false);
    expect(published).toEqual([]);
  });
});
