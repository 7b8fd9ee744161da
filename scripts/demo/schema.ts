/** The demo wholesaler's tables as its ERP would have them: keys, comments, a view, and a read-only login. */
export const SCHEMA = `
CREATE SCHEMA erp;
COMMENT ON SCHEMA erp IS 'Order processing of the demo wholesaler';

CREATE TABLE erp.sales_reps (
  rep_no integer PRIMARY KEY,
  name text NOT NULL
);

CREATE TABLE erp.customers (
  customer_no integer PRIMARY KEY,
  name text NOT NULL,
  segment text NOT NULL,
  city text NOT NULL,
  rep_no integer REFERENCES erp.sales_reps,
  discount numeric(4,2) NOT NULL,
  customer_since date
);
COMMENT ON TABLE erp.customers IS 'Accounts: who is invoiced';
COMMENT ON COLUMN erp.customers.discount IS 'Share off the list price, 0 to 1';

CREATE TABLE erp.branches (
  customer_no integer REFERENCES erp.customers,
  branch_no integer,
  city text NOT NULL,
  PRIMARY KEY (customer_no, branch_no)
);
COMMENT ON TABLE erp.branches IS 'Where an account''s goods are delivered';

CREATE TABLE erp.products (
  sku text PRIMARY KEY,
  name text NOT NULL,
  category text NOT NULL,
  brand text,
  unit text NOT NULL,
  pack_size integer NOT NULL,
  list_price numeric(12,4) NOT NULL,
  superseded_by text REFERENCES erp.products DEFERRABLE INITIALLY DEFERRED,
  discontinued_on date,
  attributes jsonb NOT NULL
);
COMMENT ON COLUMN erp.products.superseded_by IS 'The article that replaced this one';
COMMENT ON COLUMN erp.products.pack_size IS 'Sold in multiples of this many units';

CREATE TABLE erp.contract_prices (
  customer_no integer REFERENCES erp.customers,
  sku text REFERENCES erp.products,
  net_price numeric(12,4) NOT NULL,
  valid_from date NOT NULL,
  valid_to date,
  PRIMARY KEY (customer_no, sku)
);

CREATE TABLE erp.orders (
  order_no bigint PRIMARY KEY,
  order_type text NOT NULL,
  customer_no integer REFERENCES erp.customers,
  branch_no integer,
  rep_no integer REFERENCES erp.sales_reps,
  channel text NOT NULL,
  ordered_at timestamptz NOT NULL
);
COMMENT ON COLUMN erp.orders.customer_no IS 'Empty on sales over the counter';
COMMENT ON COLUMN erp.orders.order_type IS 'sale, return or credit-note';

CREATE TABLE erp.order_lines (
  line_id bigint PRIMARY KEY,
  order_no bigint NOT NULL REFERENCES erp.orders,
  line_no integer NOT NULL,
  sku text NOT NULL REFERENCES erp.products,
  quantity numeric(12,2) NOT NULL,
  unit_price numeric(12,4) NOT NULL
);
COMMENT ON TABLE erp.order_lines IS 'What was ordered; returns have negative quantities, credit notes negative prices';

CREATE VIEW erp.open_contracts AS
  SELECT customer_no, count(*) AS articles FROM erp.contract_prices WHERE valid_to IS NULL GROUP BY customer_no;
`;

/** The login Tradewind is given: it may read the ERP's tables and nothing else. */
export const READER = { user: 'tradewind_reader', password: 'demo-reader' } as const;

/** Creates or renews the read-only login. May run again. */
export const GRANTS = `
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${READER.user}') THEN CREATE ROLE ${READER.user} LOGIN; END IF;
END $$;
ALTER ROLE ${READER.user} PASSWORD '${READER.password}';
ALTER ROLE ${READER.user} SET default_transaction_read_only = on;
GRANT USAGE ON SCHEMA erp TO ${READER.user};
GRANT SELECT ON ALL TABLES IN SCHEMA erp TO ${READER.user};
`;
