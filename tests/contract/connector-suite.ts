/** What every connector must do, told once and run on a real source of each kind. */
import type {
  Connector,
  ConnectorContext,
  SourceAccess,
  SourceSession,
  TestedStep,
} from '#connectors/connector';
import { makeTableWriter } from '#columnar/table-writer';
import { extractAll, type Extracted } from '#tests/connectors';
import { makeMemorySink, readWithHyparquet } from '#tests/parquet';
import { type Cell, CELLS } from './connection-cells.ts';

/** An access that fails, and how. */
export interface BrokenAccess {
  readonly cell: Cell;
  /** Where a cell has several. */
  readonly what?: string;
  readonly access: SourceAccess;
  readonly step: TestedStep['name'];
  readonly code: string;
  /** The value that the message must name. */
  readonly names: string;
  /** What the person is told to do. */
  readonly remedy: RegExp;
  /** In place of the fixture's. */
  readonly context?: ConnectorContext;
}

/** A source with one table of known rows: column `id` of whole numbers from 1, column `label` of text `label <id>`. */
export interface ConnectorFixture {
  readonly connector: Connector;
  readonly context: ConnectorContext;
  readonly access: SourceAccess;
  readonly secret: string | null;
  readonly table: string;
  readonly rows: number;
  readonly cursor: string | null;
  readonly broken: readonly BrokenAccess[];
  /** Cells that cannot go wrong for this kind, and why. */
  readonly impossible: Readonly<Partial<Record<Cell, string>>>;
  /** Adds the row `rows + 1` (and what else must not be seen by an older snapshot). */
  change(): Promise<void>;
  /** The ids that an append must bring after `change`. */
  readonly appended: readonly number[];
}

export function describeConnector(
  kind: string,
  start: () => Promise<ConnectorFixture>,
  stop: () => Promise<void>,
): void {
  describe(`the ${kind} connector`, () => {
    let fixture: ConnectorFixture;
    const sessions: SourceSession[] = [];
    const never = new AbortController().signal;

    beforeAll(async () => {
      fixture = await start();
    });
    afterEach(async () => {
      await Promise.all(sessions.splice(0).map((session) => session.close()));
    });
    afterAll(stop);

    async function connect(): Promise<SourceSession> {
      const session = await fixture.connector.connect(fixture.access, fixture.context, never);
      sessions.push(session);
      return session;
    }
    async function steps(access: SourceAccess, context = fixture.context): Promise<TestedStep[]> {
      const found: TestedStep[] = [];
      for await (const step of fixture.connector.test(access, { ...context, patienceMs: 250 }, never))
        found.push(step);
      return found;
    }
    async function ids({ files }: Extracted): Promise<number[]> {
      const rows = (await Promise.all(files.map(readWithHyparquet))).flat();
      for (const { id, label } of rows) expect(label).toBe(`label ${String(id)}`);
      return rows.map(({ id }) => Number(id)).toSorted((a, b) => a - b);
    }
    const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

    test('its test goes step by step, in order, and says how long each took', async () => {
      const found = await steps(fixture.access);
      expect(found.map(({ name }) => name)).toEqual([
        'resolve',
        'reach',
        'tls',
        'sign-in',
        'permissions',
        'read',
      ]);
      for (const step of found) {
        expect(step).toMatchObject({
          code: null,
          remedy: null,
          status: expect.stringMatching(/passed|skipped/),
        });
        expect(step.milliseconds).toBeGreaterThanOrEqual(0);
        expect(step.message).not.toBe('');
      }
    });

    test('a broken connection fails at its step, names the value, tells the remedy and keeps the secret', async () => {
      for (const { cell, what, access, step, code, names, remedy, context } of fixture.broken) {
        const found = await steps(access, context);
        const failed = found.find(({ status }) => status === 'failed');
        expect({ cell, what, ...failed }).toMatchObject({
          cell,
          what,
          name: step,
          code,
          message: expect.stringContaining(names),
          remedy: expect.stringMatching(remedy),
        });
        const place = found.findIndex((each) => each === failed);
        expect(found.slice(0, place).every(({ status }) => status !== 'failed')).toBe(true);
        expect(found.slice(place + 1).every(({ status }) => status === 'skipped')).toBe(true);
        expect(found).toHaveLength(6);
        if (fixture.secret !== null) expect(JSON.stringify(found)).not.toContain(fixture.secret);
      }
    });

    test('everything that can be wrong is shown to fail, and all else is said to be impossible', () => {
      const shown = new Set<string>(fixture.broken.map(({ cell }) => cell));
      const impossible = Object.keys(fixture.impossible);
      expect([...shown, ...impossible].toSorted()).toEqual(CELLS.toSorted());
    });

    test('lists the table and describes its columns, every time the same', async () => {
      const session = await connect();
      expect((await session.listTables()).map(({ name }) => name)).toContain(fixture.table);
      const description = await session.describe(fixture.table);
      expect(description.columns.map(({ name, type }) => [name, type])).toEqual([
        ['id', 'INT64'],
        ['label', 'STRING'],
      ]);
      expect(await session.describe(fixture.table)).toEqual(description);
    });

    test('a missing table is named', async () => {
      const session = await connect();
      await expect(session.describe('public.no_such_table')).rejects.toMatchObject({
        code: 'table-not-found',
        message: expect.stringContaining('no_such_table'),
        remedy: expect.any(String),
      });
    });

    test('nothing is read without a snapshot', async () => {
      const session = await connect();
      await expect(session.planUnits(fixture.table, { targetBytes: 1e6 })).rejects.toMatchObject({
        code: 'snapshot-missing',
      });
    });

    test('an abort ends an extraction with its reason', async () => {
      const session = await connect();
      await session.openSnapshot();
      const { columns } = await session.describe(fixture.table);
      const [unit] = await session.planUnits(fixture.table, { targetBytes: 1e9 });
      const reason = new Error('the run was cancelled');
      const request = {
        unit: unit!,
        columns,
        writer: makeTableWriter(columns, makeMemorySink()),
        reject: () => undefined,
      };
      await expect(session.extract({ ...request, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    test('a column that is gone fails by name', async () => {
      const session = await connect();
      await session.openSnapshot();
      const gone = { name: 'gone', type: 'STRING', nullable: true, sourceType: 'text' } as const;
      const units = await session.planUnits(fixture.table, { targetBytes: 1e9 });
      await expect(extractAll(session, units, [gone])).rejects.toMatchObject({
        code: 'column-changed',
        message: expect.stringContaining('"gone"'),
      });
    });

    test('a slow sink holds the source back and loses nothing', async () => {
      const session = await connect();
      await session.openSnapshot();
      const { columns } = await session.describe(fixture.table);
      const [unit] = await session.planUnits(fixture.table, { targetBytes: 1e12 });
      const sink = makeMemorySink();
      let writing = 0;
      const slow = {
        async write(chunk: Uint8Array) {
          expect(++writing).toBe(1);
          await new Promise((resolve) => setTimeout(resolve, 1));
          await sink.write(chunk);
          writing--;
        },
      };
      const writer = makeTableWriter(columns, slow, { pageRows: 500, groupRows: 1000 });
      await session.extract({ unit: unit!, columns, writer, reject: () => undefined, signal: never });
      await writer.close();
      expect(await readWithHyparquet(sink.bytes())).toHaveLength(fixture.rows);
    });

    // The last: it changes the source.
    test('units are the table once, under one snapshot, whoever reads them and however often; an append takes the rest', async () => {
      const holder = await connect();
      const snapshot = await holder.openSnapshot();
      expect(await holder.openSnapshot()).toEqual(snapshot);
      const { columns } = await holder.describe(fixture.table);
      const bound = await holder.safeUpperBound(fixture.table, fixture.cursor, null);
      const units = await holder.planUnits(fixture.table, { targetBytes: 100_000 });
      expect(new Set(units.map(({ id }) => id)).size).toBe(units.length);
      if (fixture.connector.capabilities.chunks) expect(units.length).toBeGreaterThan(3);

      await fixture.change();

      const other = await connect();
      const shared = fixture.connector.capabilities.sharedSnapshot;
      if (!shared)
        await expect(other.importSnapshot(snapshot)).rejects.toMatchObject({ code: 'snapshot-not-shared' });
      const reader = shared ? other : holder;
      await reader.importSnapshot(snapshot);
      const first = await extractAll(reader, JSON.parse(JSON.stringify(units)), columns);
      expect(await ids(first)).toEqual(upTo(fixture.rows));
      expect(first.rejects).toEqual([]);
      const again = await extractAll(holder, units.toReversed(), columns);
      expect(again.tally.columns).toEqual(first.tally.columns);

      const later = await connect();
      await later.openSnapshot();
      const next = await later.safeUpperBound(fixture.table, fixture.cursor, bound.value);
      const range = { column: fixture.cursor ?? '', after: bound.value, upTo: next.value ?? '' };
      const rest = await later.planUnits(fixture.table, { targetBytes: 1e9, range });
      expect(await ids(await extractAll(later, rest, columns))).toEqual(fixture.appended);

      const nothing = await later.planUnits(fixture.table, {
        targetBytes: 1e9,
        range: { ...range, after: next.value },
      });
      expect(await ids(await extractAll(later, nothing, columns))).toEqual([]);
    });
  });
}
