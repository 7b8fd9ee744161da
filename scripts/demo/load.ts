import { isDeepStrictEqual } from 'node:util';
import { Client } from 'pg';
import { z } from 'zod';
import { copyInto, type CopyValue } from '#scripts/demo/copy-in';
import type { Order } from '#scripts/demo/orders';
import { REPS } from '#scripts/demo/accounts';
import { GRANTS, READER, SCHEMA } from '#scripts/demo/schema';
import {
  DEMO,
  DEMO_VERSION,
  planWholesaler,
  type Wholesaler,
  type WholesalerOptions,
} from '#scripts/demo/wholesaler';

/** What is in the database after loading. */
export interface LoadedDemo {
  /** False when the same company was there already and nothing was done. */
  readonly loaded: boolean;
  readonly orders: number;
  readonly orderLines: number;
  /** `postgres://` address with the read-only login. */
  readonly readerUrl: string;
}

/**
 * Puts the demo wholesaler of `options` into the database at `url` (a login that may create roles and schemas), in one
 * transaction; schema `erp` is replaced when it holds another company. May be called again: the same company stays, with
 * the last day it was made with, whatever `options.lastDay` is by then.
 */
export async function loadDemo(url: string, options: WholesalerOptions = DEMO): Promise<LoadedDemo> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const found = await markOf(client);
    const lastDay = found?.lastDay ?? options.lastDay;
    const loaded = !isDeepStrictEqual(found, { version: DEMO_VERSION, ...options, lastDay });
    if (loaded) await replace(client, planWholesaler(options), { version: DEMO_VERSION, ...options });
    // One scan of an integer key: a few milliseconds, and the numbers are what is really there.
    const counts = await client.query<{ orders: string; lines: string }>(
      'SELECT (SELECT count(*) FROM erp.orders) AS orders, (SELECT count(*) FROM erp.order_lines) AS lines',
    );
    const { orders, lines } = counts.rows[0] ?? { orders: '0', lines: '0' };
    return { loaded, orders: Number(orders), orderLines: Number(lines), readerUrl: readerUrl(url) };
  } finally {
    await client.end();
  }
}

function readerUrl(url: string): string {
  const address = new URL(url);
  address.username = READER.user;
  address.password = READER.password;
  return address.href;
}

const Mark = z.object({
  version: z.number(),
  seed: z.number(),
  accounts: z.number(),
  days: z.number(),
  lastDay: z.string(),
});
type Mark = z.output<typeof Mark>;

/** What the last load noted: kept outside `erp`, where the reader and Tradewind do not look. */
async function markOf(client: Client): Promise<Mark | null> {
  const found = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('demo_meta.loaded') IS NOT NULL AS exists`,
  );
  if (found.rows[0]?.exists !== true) return null;
  const mark = await client.query<{ mark: string }>('SELECT mark FROM demo_meta.loaded');
  return Mark.nullable().parse(JSON.parse(mark.rows[0]?.mark ?? 'null'));
}

async function replace(client: Client, wholesaler: Wholesaler, mark: Mark): Promise<void> {
  await client.query('BEGIN');
  await client.query(
    'DROP SCHEMA IF EXISTS erp CASCADE; DROP SCHEMA IF EXISTS demo_meta CASCADE; CREATE SCHEMA demo_meta',
  );
  // Triggers are off while loading: the rows are right by construction, and checking foreign keys doubles the time.
  await client.query(`SET LOCAL session_replication_role = replica`);
  await client.query(SCHEMA);
  for (const { name, columns, rows } of tables(wholesaler)) await copyInto(client, name, columns, rows);
  await client.query('CREATE TABLE demo_meta.loaded (mark text NOT NULL)');
  await client.query('INSERT INTO demo_meta.loaded VALUES ($1)', [JSON.stringify(mark)]);
  await client.query(GRANTS);
  await client.query('COMMIT');
  await client.query('ANALYZE');
}

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: Iterable<readonly CopyValue[]>;
}

function table(name: string, columns: string, rows: Iterable<readonly CopyValue[]>): Table {
  return { name: `erp.${name}`, columns: columns.split(', '), rows };
}

function tables(wholesaler: Wholesaler): Table[] {
  const { accounts, catalogue, options } = wholesaler;
  const dayOf = (day: number): string =>
    new Date(Date.parse(options.lastDay) - (options.days - 1 - day) * 86_400_000).toISOString().slice(0, 10);
  return [
    table(
      'sales_reps',
      'rep_no, name',
      REPS.map(({ repNo, name }) => [repNo, name]),
    ),
    table(
      'customers',
      'customer_no, name, segment, city, rep_no, discount, customer_since',
      accounts.map((one) => [
        one.customerNo,
        one.name,
        one.segment,
        one.city,
        one.repNo,
        one.discount,
        one.since > 0 ? dayOf(one.since) : null,
      ]),
    ),
    table(
      'branches',
      'customer_no, branch_no, city',
      accounts.flatMap((one) => one.branches.map(({ branchNo, city }) => [one.customerNo, branchNo, city])),
    ),
    table(
      'products',
      'sku, name, category, brand, unit, pack_size, list_price, superseded_by, discontinued_on, attributes',
      catalogue.products.map((one) => [
        one.sku,
        one.name,
        one.category,
        one.brand || null,
        one.unit,
        one.packSize,
        one.listPrice,
        one.supersededBy,
        one.supersededOn === null ? null : dayOf(one.supersededOn),
        JSON.stringify({ family: one.family?.name ?? null, season: one.family?.season ?? null }),
      ]),
    ),
    table(
      'contract_prices',
      'customer_no, sku, net_price, valid_from, valid_to',
      accounts.flatMap((one) =>
        [...(one.contract ?? [])].map(([sku, price]) => [one.customerNo, sku, price, dayOf(one.since), null]),
      ),
    ),
    // The two big tables are streamed: the orders are made once for each, which is cheaper than keeping them.
    table(
      'orders',
      'order_no, order_type, customer_no, branch_no, rep_no, channel, ordered_at',
      orderRows(wholesaler.orders()),
    ),
    table(
      'order_lines',
      'line_id, order_no, line_no, sku, quantity, unit_price',
      lineRows(wholesaler.orders()),
    ),
  ];
}

/** What the ERP calls an order: it does not know that a sale was a project or sent twice. */
function typeOf(order: Order): string {
  return order.kind === 'return' || order.kind === 'credit-note' ? order.kind : 'sale';
}

function* orderRows(orders: Iterable<Order>): Generator<CopyValue[]> {
  for (const one of orders)
    yield [
      one.orderNo,
      typeOf(one),
      one.customerNo,
      one.branchNo,
      one.repNo,
      one.channel,
      new Date(one.at).toISOString(),
    ];
}

function* lineRows(orders: Iterable<Order>): Generator<CopyValue[]> {
  let lineId = 1_000_000;
  for (const { orderNo, lines } of orders)
    for (const [index, line] of lines.entries())
      yield [(lineId += 1), orderNo, index + 1, line.sku, line.quantity, line.unitPrice];
}
