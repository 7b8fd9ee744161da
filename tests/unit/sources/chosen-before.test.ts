/** What was chosen of columns that are gone stands in the way of no other choice. */
import type { TableDescription } from '#connectors/connector';
import { connectors } from '#connectors/registry';
import type { SourceTable } from '#core/source';
import { checkRows } from '../../../functions/sources/chosen-rows.ts';
import { misfitRemarks } from '../../../functions/sources/misfits.ts';
import { planTables } from '../../../functions/sources/plan-tables.ts';
import { checkChoice } from '../../../functions/sources/tables.ts';

const at = '2026-01-01T00:00:00.000Z';
const found: TableDescription = {
  name: 'people',
  kind: 'table',
  estimatedRows: 10,
  estimatedBytes: null,
  comment: null,
  columns: [{ name: 'id', type: 'INT64', nullable: false, sourceType: 'int4' }],
  key: ['id'],
  notes: [],
};
const [plain] = planTables({
  source: { id: 'sabc', name: 'Shop' },
  found: [found],
  known: [],
  taken: new Set(),
  readers: new Map(),
  at,
}).tables;
const chosen: SourceTable = {
  ...plain!,
  mode: 'append',
  cursor: 'changed',
  startFrom: '2024-01-01',
  filter: { match: 'all', conditions: [{ column: 'changed', operator: 'not-null' }] },
  hashed: [{ column: 'email', form: 'folded' }],
  misfits: [{ column: 'due', as: 'null' }],
};
const { capabilities } = connectors.postgres;

function codeOf(patch: Partial<SourceTable>, before: SourceTable | null): string | null {
  try {
    checkChoice({ ...chosen, ...patch }, capabilities, 'PostgreSQL', before);
    checkRows({ ...chosen, ...patch }, before);
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

test('chosen before, it is left to the load', () => {
  expect(codeOf({ enabled: false }, chosen)).toBeNull();
  expect(codeOf({ cursor: 'id', startFrom: 5 }, chosen)).toBeNull();
  expect(codeOf({ filter: null }, chosen)).toBeNull();
  expect(codeOf({ hashed: [], misfits: [] }, chosen)).toBeNull();
});

test('chosen now, it is refused', () => {
  expect(codeOf({}, null)).toBe('unknown-column');
  expect(codeOf({ cursor: 'seen' }, chosen)).toBe('unknown-column');
  expect(codeOf({ hashed: [...chosen.hashed, { column: 'phone', form: 'exact' }] }, chosen)).toBe(
    'unknown-column',
  );
  expect(codeOf({ misfits: [...chosen.misfits, { column: 'phone', as: 'null' }] }, chosen)).toBe(
    'unknown-column',
  );
  expect(codeOf({ filter: { match: 'any', conditions: chosen.filter!.conditions } }, chosen)).toBe(
    'unknown-column',
  );
  expect(codeOf({ startFrom: '2024-01-02' }, chosen)).toBe('start-not-possible');
});

test('rows that were rejected before are read again only where somebody has them read: the change says so', () => {
  const loaded = { columns: [], key: null, excluded: [], absent: [], run: 'r1', at };
  const before = { misfits: [], loaded };
  const said = (after: Partial<SourceTable>, of: Parameters<typeof misfitRemarks>[0] = before, own = false) =>
    misfitRemarks(of, { ...chosen, ...after }, own);
  expect(said({})).toEqual([expect.stringContaining('"due" are not read again by the next load')]);
  expect(said({ cursor: null }, before, true)).toHaveLength(1);
  // Every load reads all rows; or none was made yet; or it was chosen before; or the column becomes another.
  expect([said({ mode: 'replace' }), said({ cursor: null }), said({ rowLimit: 5 })]).toEqual([[], [], []]);
  expect([said({}, { ...before, loaded: null }), said({}, { ...before, misfits: chosen.misfits })]).toEqual([
    [],
    [],
  ]);
  expect(said({ misfits: [{ column: 'due', as: 'text' }] })).toEqual([]);
});
