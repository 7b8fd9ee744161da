/**
 * The real GoogleSQL analyzer and reference evaluator (ZetaSQL, from npm) for tests: `analyze` says whether BigQuery's own
 * front end accepts a statement against given tables, `evaluate` answers a query over small tables.
 *
 *     const zeta = await startZetaSql();
 *     await zeta.analyze('SELECT a FROM `p.d.t` WHERE b = @b', { tables: { 'p.d.t': { a: 'INT64', b: 'STRING' } }, params: { b: 'STRING' } });
 *     await zeta.evaluate('SELECT SUM(a) AS n FROM t', { tables: { t: { columns: { a: 'INT64' }, rows: [[1], [2]] } } });
 *     await zeta.stop();
 *
 * One statement at a time, no scripts. Its build is older than today's BigQuery; it does not evaluate DDL, MERGE, APPROX_*.
 */
import { spawn } from 'node:child_process';
import { createServer, connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** Column name → type, as GoogleSQL writes it (`INT64`, `ARRAY<STRING>`). */
export type ZetaColumns = Readonly<Record<string, string>>;

/** A value of a table's row: INT64 may be a number or bigint; DATE `YYYY-MM-DD`; TIMESTAMP and DATETIME ISO text; NUMERIC is not offered. */
export type ZetaValue = string | number | bigint | boolean | null | Uint8Array | readonly ZetaValue[];

export interface ZetaSql {
  /** Resolves when the statement is valid; rejects with BigQuery-style text (`Unrecognized name: x [at 1:8]`) when not. */
  analyze(
    sql: string,
    catalog?: { readonly tables?: Readonly<Record<string, ZetaColumns>>; readonly params?: ZetaColumns },
  ): Promise<void>;
  /** The rows of a query, values as text (`2024-01-02`, `1.5`), lists as arrays, NULL as null. */
  evaluate(
    sql: string,
    input?: {
      readonly tables?: Readonly<
        Record<string, { readonly columns: ZetaColumns; readonly rows: readonly (readonly ZetaValue[])[] }>
      >;
    },
  ): Promise<unknown[][]>;
  stop(): Promise<void>;
}

/** The wire messages are dynamic (proto-loader): records of whatever the proto has. */
type Message = Readonly<Record<string, unknown>>;
interface TypeProto {
  readonly typeKind: string;
  readonly arrayType?: { readonly elementType: TypeProto };
  readonly structType?: {
    readonly field?: readonly { readonly fieldName?: string; readonly fieldType: TypeProto }[];
  };
}

const kinds: Readonly<Record<string, string>> = {
  INT64: 'TYPE_INT64',
  FLOAT64: 'TYPE_DOUBLE',
  BOOL: 'TYPE_BOOL',
  NUMERIC: 'TYPE_NUMERIC',
  BIGNUMERIC: 'TYPE_BIGNUMERIC',
  STRING: 'TYPE_STRING',
  BYTES: 'TYPE_BYTES',
  DATE: 'TYPE_DATE',
  DATETIME: 'TYPE_DATETIME',
  TIMESTAMP: 'TYPE_TIMESTAMP',
  TIME: 'TYPE_TIME',
  JSON: 'TYPE_JSON',
  GEOGRAPHY: 'TYPE_GEOGRAPHY',
  INTERVAL: 'TYPE_INTERVAL',
};

function typeProto(name: string): TypeProto {
  const array = /^ARRAY<(.*)>$/.exec(name);
  if (array) return { typeKind: 'TYPE_ARRAY', arrayType: { elementType: typeProto(array[1] ?? '') } };
  const struct = /^STRUCT<(.*)>$/.exec(name);
  if (struct) {
    const field = (struct[1] ?? '')
      .split(/,\s*/)
      .map((f) => ({ fieldName: f.split(' ')[0] ?? '', fieldType: typeProto(f.split(' ')[1] ?? '') }));
    return { typeKind: 'TYPE_STRUCT', structType: { field } };
  }
  const typeKind = kinds[name];
  if (typeKind === undefined) throw new RangeError(`zetasql type "${name}" is not known here`);
  return { typeKind };
}

const statements = [
  'QUERY',
  'CREATE_TABLE',
  'CREATE_TABLE_AS_SELECT',
  'CREATE_VIEW',
  'MERGE',
  'INSERT',
  'UPDATE',
  'DELETE',
  'TRUNCATE',
  'DROP',
  'ALTER_TABLE',
  'ASSERT',
  'EXPORT_DATA',
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
].map((kind) => `RESOLVED_${kind}_STMT`);

/** Starts the ZetaSQL server on a free port of 127.0.0.1; `stop` ends it and waits for its end. */
export async function startZetaSql(): Promise<ZetaSql> {
  const root = join(
    dirname(createRequire(import.meta.url).resolve('@fivetrandevelopers/zetasql/package.json')),
    'lib/zetasql',
  );
  const port = await freePort();
  const child = spawn(join(root, 'remote_server.so'), ['localhost', String(port)], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await listening(port);
  const definition = loadSync('local_service.proto', {
    includeDirs: [join(root, 'protos')],
    defaults: false,
    oneofs: true,
    enums: String,
    longs: String,
  });
  // The package's classes are made from the proto at run time; this is the one constructor used.
  const loaded = grpc.loadPackageDefinition(definition) as unknown as {
    zetasql: { local_service: { ZetaSqlLocalService: grpc.ServiceClientConstructor } };
  };
  const client = new loaded.zetasql.local_service.ZetaSqlLocalService(
    `localhost:${port}`,
    grpc.credentials.createInsecure(),
    { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 },
  );
  const call = async (method: string, request: Message): Promise<Record<string, unknown>> => {
    // A service client has its methods by name; each takes a request and a callback.
    const remote = promisify(
      (
        client as unknown as Record<
          string,
          (q: Message, cb: (e: Error | null, r: Record<string, unknown>) => void) => void
        >
      )[method]!.bind(client),
    );
    try {
      return await remote(request);
    } catch (error) {
      const details =
        typeof error === 'object' && error !== null && 'details' in error
          ? String(error.details)
          : String(error);
      throw new Error(details, { cause: error });
    }
  };
  const offered = await call('getLanguageOptions', { maximumFeatures: true });
  const features: unknown = offered['enabledLanguageFeatures'];
  const language: Message = {
    ...offered,
    // ZetaSQL calls it in development; BigQuery has it.
    enabledLanguageFeatures: [
      ...(Array.isArray(features) ? features : []),
      'FEATURE_ALTER_COLUMN_SET_DATA_TYPE',
    ],
    productMode: 'PRODUCT_EXTERNAL',
    supportedStatementKinds: statements,
    reservedKeywords: ['QUALIFY'],
  };
  const request = (tables: Readonly<Record<string, ZetaColumns>>, params: ZetaColumns): Message => ({
    simpleCatalog: catalogOf(tables, language),
    descriptorPoolList: { definitions: [{ builtin: {} }] },
    options: {
      languageOptions: language,
      defaultTimezone: 'UTC',
      parameterMode: 'PARAMETER_NAMED',
      queryParameters: Object.entries(params).map(([name, type]) => ({ name, type: typeProto(type) })),
      errorMessageMode: 'ERROR_MESSAGE_ONE_LINE',
    },
  });
  return {
    async analyze(sql, { tables = {}, params = {} } = {}) {
      await call('analyze', { ...request(tables, params), sqlStatement: sql });
    },
    async evaluate(sql, { tables = {} } = {}) {
      const columns = Object.fromEntries(
        Object.entries(tables).map(([name, table]) => [name, table.columns]),
      );
      const tableContent = Object.fromEntries(
        Object.entries(tables).map(([name, table]) => [
          name,
          {
            tableData: {
              row: table.rows.map((row) => ({
                cell: row.map((v, i) => encode(typeProto(Object.values(table.columns)[i] ?? ''), v)),
              })),
            },
          },
        ]),
      );
      // The shape of EvaluateQueryResponse in local_service.proto.
      const answer = (await call('evaluateQuery', {
        ...request(columns, {}),
        sql,
        tableContent,
      })) as unknown as {
        prepared: { columns: { type: TypeProto }[] };
        content: { tableData: { row?: { cell: Message[] }[] } };
      };
      return (answer.content.tableData.row ?? []).map((row) =>
        row.cell.map((cell, i) => decode(answer.prepared.columns[i]?.type ?? { typeKind: '' }, cell)),
      );
    },
    async stop() {
      client.close();
      child.kill();
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, 'localhost', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`zetasql server did not listen on port ${port} within 10 s`);
}

/** Each table under its full name in one identifier, and under dataset.table within nested catalogs. */
function catalogOf(tables: Readonly<Record<string, ZetaColumns>>, language: Message): Message {
  let id = 0;
  const table = (full: string, columns: ZetaColumns, name: string) => ({
    name: full,
    ...(name === full ? {} : { nameInCatalog: name }),
    serializationId: (id += 1),
    fullName: full,
    column: Object.entries(columns).map(([column, type]) => ({ name: column, type: typeProto(type) })),
  });
  const datasets = new Map<string, [string, ZetaColumns][]>();
  for (const [full, columns] of Object.entries(tables))
    if (full.includes('.')) {
      const dataset = full.split('.').slice(0, -1).join('.');
      datasets.set(dataset, [...(datasets.get(dataset) ?? []), [full, columns]]);
    }
  const nested = [...datasets].flatMap(([path, list]) => {
    const name = path.split('.').at(-1) ?? path;
    const project = path.split('.').slice(0, -1).join('.');
    const tablesOf = () =>
      list.map(([full, columns]) => table(full, columns, full.split('.').at(-1) ?? full));
    return [
      { name, table: tablesOf() },
      ...(project === ''
        ? []
        : [
            { name: project, catalog: [{ name, table: tablesOf() }] },
            { name: path, table: tablesOf() },
          ]),
    ];
  });
  return {
    name: 'root',
    table: Object.entries(tables).map(([full, columns]) => table(full, columns, full)),
    catalog: nested,
    builtinFunctionOptions: { languageOptions: language },
  };
}

function encode(type: TypeProto, value: ZetaValue): Message {
  if (value === null) return {};
  const instant = () => new Date(String(value).endsWith('Z') ? String(value) : `${String(value)}Z`).getTime();
  switch (type.typeKind) {
    case 'TYPE_ARRAY':
      return {
        arrayValue: {
          element: Array.isArray(value)
            ? value.map((v: ZetaValue) => encode(type.arrayType?.elementType ?? type, v))
            : [],
        },
      };
    case 'TYPE_INT64':
      return { int64Value: String(value) };
    case 'TYPE_DOUBLE':
      return { doubleValue: value };
    case 'TYPE_BOOL':
      return { boolValue: value };
    case 'TYPE_BYTES':
      return { bytesValue: value };
    case 'TYPE_DATE':
      return { dateValue: Math.round(Date.parse(String(value)) / 86_400_000) };
    case 'TYPE_TIMESTAMP':
      return {
        timestampValue: {
          seconds: Math.floor(instant() / 1000),
          nanos: (((instant() % 1000) + 1000) % 1000) * 1_000_000,
        },
      };
    case 'TYPE_JSON':
      return { jsonValue: value };
    case 'TYPE_STRING':
      return { stringValue: value };
    default:
      throw new RangeError(
        `zetasql values of ${type.typeKind} are not offered in tables; cast them in the statement`,
      );
  }
}

function decode(type: TypeProto, cell: Message): unknown {
  const key = cell['value'];
  if (typeof key !== 'string') return null;
  const value = cell[key];
  switch (type.typeKind) {
    case 'TYPE_ARRAY':
      // ArrayValue of the value proto.
      return ((value as { element?: Message[] }).element ?? []).map((v) =>
        decode(type.arrayType?.elementType ?? type, v),
      );
    case 'TYPE_STRUCT':
      // StructValue of the value proto.
      return ((value as { field?: Message[] }).field ?? []).map((v, i) =>
        decode(type.structType?.field?.[i]?.fieldType ?? type, v),
      );
    case 'TYPE_DATE':
      return new Date(Number(value) * 86_400_000).toISOString().slice(0, 10);
    case 'TYPE_TIMESTAMP': {
      // google.protobuf.Timestamp.
      const { seconds = 0, nanos = 0 } = value as { seconds?: string | number; nanos?: number };
      return String(BigInt(seconds) * 1_000_000n + BigInt(Math.round(nanos / 1000)));
    }
    case 'TYPE_BYTES':
      // protobuf bytes arrive as a Buffer.
      return Buffer.from(value as Uint8Array).toString('base64');
    default:
      return typeof value === 'object' || value === undefined
        ? value
        : `${value as string | number | boolean}`;
  }
}
