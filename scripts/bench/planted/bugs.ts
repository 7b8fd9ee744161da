/* Bugs that the tests of loading data must find: each one place of the production code, changed as somebody might by mistake. */

export interface PlantedBug {
  readonly name: string;
  /** Below the project's folder. */
  readonly file: string;
  /** Occurs there exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The narrowest test file that must fail. */
  readonly test: string;
  /** The tests of it that are enough, by the beginning of their names; all where left out. */
  readonly named?: string;
}

const UNITS = 'functions/connectors/postgres/units.ts';
const WATERMARK = 'functions/connectors/postgres/watermark.ts';
const SQL = 'functions/etl/publish-sql.ts';
const PUBLISH = 'functions/etl/publish.ts';
const POSTGRES = 'tests/contract/connector-postgres.test.ts';
const SUITE = 'units are the table once';
const TYPES = 'tests/contract/postgres-types.test.ts';
const STATEMENTS = 'tests/unit/etl/publish-sql.test.ts';
const TAKEOVER = 'tests/integration/etl/takeover.test.ts';
const MERGE = 'tests/integration/etl/merge.test.ts';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'an append reads the row of its last watermark again (>= for >)',
    file: UNITS,
    find: '`${column} > ${cursorLiteral(part.after, cursorType)}`',
    replace: '`${column} >= ${cursorLiteral(part.after, cursorType)}`',
    test: POSTGRES,
    named: SUITE,
  },
  {
    name: 'an append leaves out the row of its bound (< for <=)',
    file: UNITS,
    find: '`${column} <= ${cursorLiteral(part.upTo, cursorType)}`',
    replace: '`${column} < ${cursorLiteral(part.upTo, cursorType)}`',
    test: POSTGRES,
    named: SUITE,
  },
  {
    name: 'a chunk ends one block too late',
    file: UNITS,
    find: '`ctid < ${block(part.toBlock)}`',
    replace: '`ctid < ${block(part.toBlock + 1)}`',
    test: POSTGRES,
    named: SUITE,
  },
  {
    name: 'a chunk of MySQL ends one key too early',
    file: 'functions/connectors/mysql/units.ts',
    find: 'conditions.push(`${key} < ${part.to}`);',
    replace: 'conditions.push(`${key} < ${part.to} - 1`);',
    test: 'tests/contract/connector-mysql.test.ts',
    named: SUITE,
  },
  {
    name: 'the watermark does not wait for the oldest transaction in flight',
    file: WATERMARK,
    find: 'before: row.oldest ?? row.clock',
    replace: 'before: row.clock',
    test: TYPES,
    named: 'by at misses and doubles no row',
  },
  {
    name: 'rows whose cursor is null are dropped without a word',
    file: WATERMARK,
    find: '    if (rows.length > 0)\n',
    replace: '    if (rows.length > 1)\n',
    test: TYPES,
    named: 'does not follow a column with nulls',
  },
  {
    name: 'a follower reads a moment of its own and not the snapshot',
    file: 'functions/connectors/postgres/session.ts',
    find: "await client.query(`SET TRANSACTION SNAPSHOT '${token}'`)",
    replace: "await client.query('SELECT 1')",
    test: POSTGRES,
    named: SUITE,
  },
  {
    name: 'a table is published without its ledger row',
    file: SQL,
    find: '    ledgerInsert(dataset, suffix, addedRows(publication, destination)),\n',
    replace: '',
    test: STATEMENTS,
    named: 'publish by append',
  },
  {
    name: 'a publication does not ask whether it was made already',
    file: SQL,
    find: '    notPublished(dataset, suffix),\n',
    replace: '',
    test: STATEMENTS,
    named: 'publish by append',
  },
  {
    name: 'columns are put in in another order than they are named',
    file: SQL,
    find: "`INSERT INTO ${destination} (${names.join(', ')})",
    replace: "`INSERT INTO ${destination} (${names.toReversed().join(', ')})",
    test: STATEMENTS,
  },
  {
    name: 'a job that failed and left its result is done once more: rows are appended twice',
    file: 'functions/etl/jobs.ts',
    find: 'if (isDone === undefined ? succeeded : await isDone()) return;',
    replace: 'if (isDone === undefined ? succeeded : succeeded && (await isDone())) return;',
    test: 'tests/unit/etl/jobs.test.ts',
  },
  {
    name: 'rejected rows are not counted',
    file: 'functions/etl/rejects.ts',
    find: 'counts[reject.reason] = (counts[reject.reason] ?? 0) + 1;',
    replace: 'counts[reject.reason] ??= 0;',
    test: 'tests/unit/etl/rejects.test.ts',
  },
  {
    name: 'a watermark is taken for that of another cursor',
    file: 'functions/etl/plan.ts',
    find: 'cursor !== null && last?.cursor === cursor.id ? last.watermark',
    replace: 'cursor !== null && last !== null ? last.watermark',
    test: 'tests/unit/etl/plan.test.ts',
  },
  {
    name: 'a cent that differs between file and warehouse is no difference',
    file: 'functions/etl/proof.ts',
    find: '  return expected === obtained;',
    replace: '  return expected.slice(0, -2) === obtained.slice(0, -2);',
    test: 'tests/unit/etl/proof.test.ts',
    named: 'a lost row, a changed cent',
  },
  {
    name: 'a unit counts as done whoever holds it',
    file: 'functions/etl/units.ts',
    find: "return status === 'done' && holder === place.holder && attempts === unit.record.attempts;",
    replace: "return status === 'done' && attempts === unit.record.attempts;",
    test: 'tests/unit/etl/units.test.ts',
  },
  {
    name: 'units of a former epoch are loaded with those of the newest',
    file: 'functions/etl/units.ts',
    find: "      ['table', '==', table],\n      ['epoch', '==', epoch],",
    replace: "      ['table', '==', table],\n      ['epoch', '<=', epoch],",
    test: TAKEOVER,
    named: 'units of a plan whose author died',
  },
  {
    name: 'a part of a table is published',
    file: PUBLISH,
    find: '  checkComplete(plan, planned);\n',
    replace: '',
    test: TAKEOVER,
    named: 'a part of a table is never published',
  },
  {
    name: 'rows that share a key are merged',
    file: PUBLISH,
    find: '  await checkUnique(scope, plan, staging, key);\n',
    replace: '',
    test: MERGE,
    named: 'without a primary key the columns are chosen',
  },
  {
    name: 'rows are marked as deleted after a read from which some were rejected',
    file: 'functions/etl/plan.ts',
    find: "deletes === 'mark' && rejected === 0;",
    replace: "deletes === 'mark';",
    test: 'tests/unit/etl/plan.test.ts',
  },
];
