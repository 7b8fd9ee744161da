import { ColumnType } from '#core/column';
import { DatasetDefinition } from '#core/dataset';
import { aliasOf, guessDataset } from '#core/guess-dataset';
import { type GuessTable, guessRoles } from '#core/guess-roles';

/** `name TYPE` lines as a table. */
function table(alias: string, columns: string, key: string[] | null = null): GuessTable {
  return {
    alias,
    key,
    columns: columns.split(',').map((column) => {
      const words = column.trim().split(' ');
      const type = words.pop();
      const name = words.join(' ');
      return { name, type: ColumnType.parse(type) };
    }),
  };
}

/** Roles as `table.column`, to read them at a glance. */
function rolesOf(tables: readonly GuessTable[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(guessRoles(tables).roles).map(([role, ref]) => [role, `${ref?.table}.${ref?.column}`]),
  );
}
const joinsOf = (tables: readonly GuessTable[]) =>
  guessRoles(tables).joins.map(
    ({ left, right }) => `${left.table}.${left.column}=${right.table}.${right.column}`,
  );

describe('one flat file of order lines', () => {
  test('the online shop: StockCode is the item, the invoice is the order', () => {
    const lines = table(
      'online_retail',
      'InvoiceNo STRING, StockCode STRING, Description STRING, Quantity INT64, InvoiceDate DATETIME, UnitPrice NUMERIC, CustomerID FLOAT64, Country STRING',
    );
    expect(rolesOf([lines])).toEqual({
      customer: 'online_retail.CustomerID',
      item: 'online_retail.StockCode',
      time: 'online_retail.InvoiceDate',
      quantity: 'online_retail.Quantity',
      price: 'online_retail.UnitPrice',
      order: 'online_retail.InvoiceNo',
      itemName: 'online_retail.Description',
    });
    expect(guessRoles([lines])).toMatchObject({ tables: ['online_retail'], joins: [], missing: [] });
  });

  test('its second edition writes the names otherwise', () => {
    const lines = table(
      'lines',
      'Invoice STRING, StockCode STRING, Description STRING, Quantity INT64, InvoiceDate DATETIME, Price NUMERIC, Customer ID FLOAT64, Country STRING',
    );
    expect(rolesOf([lines])).toMatchObject({
      order: 'lines.Invoice',
      price: 'lines.Price',
      item: 'lines.StockCode',
    });
  });

  test('a bare segment beside the order is the customer’s, not the item’s', () => {
    const lines = table(
      'superstore',
      'Order ID STRING, Order Date DATE, Customer ID STRING, Segment STRING, Product ID STRING, Category STRING, Manufacturer STRING, Sales FLOAT64, Quantity INT64',
    );
    expect(rolesOf([lines])).toMatchObject({
      customerSegment: 'superstore.Segment',
      itemCategory: 'superstore.Category',
      itemBrand: 'superstore.Manufacturer',
    });
    const price = table(
      'lines',
      'customer_no STRING, sku STRING, ordered_at DATE, price_group STRING, status STRING, tax_class STRING',
    );
    expect(rolesOf([price])).not.toHaveProperty('customerSegment');
  });

  test('German: compounds come apart', () => {
    const lines = table(
      'auftragspositionen',
      'Auftragsnummer STRING, Position INT64, Kundennummer STRING, Kundenname STRING, Artikelnummer STRING, Artikelbezeichnung STRING, Warengruppe STRING, Hersteller STRING, Kundengruppe STRING, Auftragsdatum DATE, Liefertermin DATE, Menge NUMERIC, Einzelpreis NUMERIC, Positionswert NUMERIC, Rabatt NUMERIC',
    );
    expect(rolesOf([lines])).toEqual({
      customer: 'auftragspositionen.Kundennummer',
      customerName: 'auftragspositionen.Kundenname',
      item: 'auftragspositionen.Artikelnummer',
      itemName: 'auftragspositionen.Artikelbezeichnung',
      itemCategory: 'auftragspositionen.Warengruppe',
      itemBrand: 'auftragspositionen.Hersteller',
      customerSegment: 'auftragspositionen.Kundengruppe',
      time: 'auftragspositionen.Auftragsdatum',
      quantity: 'auftragspositionen.Menge',
      price: 'auftragspositionen.Einzelpreis',
      value: 'auftragspositionen.Positionswert',
      order: 'auftragspositionen.Auftragsnummer',
    });
  });

  test('French: accents and abbreviations', () => {
    const lines = table(
      'lignes_commande',
      'no_commande STRING, date_commande DATE, code_client STRING, réf_article STRING, désignation STRING, qté INT64, prix_unitaire NUMERIC, montant_ht NUMERIC, remise NUMERIC, date_livraison DATE',
    );
    expect(rolesOf([lines])).toEqual({
      customer: 'lignes_commande.code_client',
      item: 'lignes_commande.réf_article',
      itemName: 'lignes_commande.désignation',
      time: 'lignes_commande.date_commande',
      quantity: 'lignes_commande.qté',
      price: 'lignes_commande.prix_unitaire',
      value: 'lignes_commande.montant_ht',
      order: 'lignes_commande.no_commande',
    });
  });

  test('Dutch', () => {
    const lines = table(
      'orderregels',
      'Ordernummer STRING, Klantnummer STRING, Artikelnummer STRING, Omschrijving STRING, Aantal INT64, Stuksprijs NUMERIC, Regelbedrag NUMERIC, Besteldatum DATE, Leverdatum DATE',
    );
    expect(rolesOf([lines])).toMatchObject({
      customer: 'orderregels.Klantnummer',
      item: 'orderregels.Artikelnummer',
      itemName: 'orderregels.Omschrijving',
      time: 'orderregels.Besteldatum',
      quantity: 'orderregels.Aantal',
      price: 'orderregels.Stuksprijs',
      value: 'orderregels.Regelbedrag',
      order: 'orderregels.Ordernummer',
    });
  });
});

const wholesaler = [
  table(
    'accounts',
    'id INT64, name STRING, segment STRING, city STRING, parent_account_id INT64, created_at TIMESTAMP',
    ['id'],
  ),
  table('branches', 'id INT64, account_id INT64, name STRING, city STRING', ['id']),
  table(
    'products',
    'id INT64, sku STRING, name STRING, category STRING, list_price NUMERIC, pack_size INT64, superseded_by INT64',
    ['id'],
  ),
  table(
    'orders',
    'id INT64, account_id INT64, branch_id INT64, ordered_at TIMESTAMP, requested_delivery_date DATE, status STRING',
    ['id'],
  ),
  table(
    'order_lines',
    'id INT64, order_id INT64, line_no INT64, product_id INT64, quantity INT64, unit_price NUMERIC, discount NUMERIC, line_total NUMERIC',
    ['id'],
  ),
  table(
    'contract_assortment',
    'account_id INT64, product_id INT64, contract_price NUMERIC, valid_from DATE',
    ['account_id', 'product_id'],
  ),
];

describe('a database of orders, lines, products and customers', () => {
  test('a wholesaler: customer and time come from the order, names from their own tables', () => {
    expect(rolesOf(wholesaler)).toEqual({
      customer: 'orders.account_id',
      customerName: 'accounts.name',
      customerSegment: 'accounts.segment',
      item: 'order_lines.product_id',
      itemName: 'products.name',
      itemCategory: 'products.category',
      supersededBy: 'products.superseded_by',
      time: 'orders.ordered_at',
      quantity: 'order_lines.quantity',
      price: 'order_lines.unit_price',
      value: 'order_lines.line_total',
      order: 'order_lines.order_id',
    });
    expect(joinsOf(wholesaler)).toEqual([
      'order_lines.product_id=products.id',
      'order_lines.order_id=orders.id',
      'orders.account_id=accounts.id',
    ]);
    expect(guessRoles(wholesaler).tables).toEqual(['order_lines', 'products', 'orders', 'accounts']);
  });

  test('the order of the tables does not matter', () => {
    expect(rolesOf(wholesaler.toReversed())).toEqual(rolesOf(wholesaler));
  });

  test('Northwind: the category comes by its own table', () => {
    const northwind = [
      table('Categories', 'CategoryID INT64, CategoryName STRING, Description STRING', ['CategoryID']),
      table('Customers', 'CustomerID STRING, CompanyName STRING, ContactName STRING, City STRING', [
        'CustomerID',
      ]),
      table('Employees', 'EmployeeID INT64, LastName STRING, BirthDate DATE', ['EmployeeID']),
      table(
        'Orders',
        'OrderID INT64, CustomerID STRING, EmployeeID INT64, OrderDate DATE, RequiredDate DATE, ShippedDate DATE, Freight NUMERIC, ShipName STRING',
        ['OrderID'],
      ),
      table(
        'Order Details',
        'OrderID INT64, ProductID INT64, UnitPrice NUMERIC, Quantity INT64, Discount FLOAT64',
        ['OrderID', 'ProductID'],
      ),
      table(
        'Products',
        'ProductID INT64, ProductName STRING, SupplierID INT64, CategoryID INT64, UnitPrice NUMERIC, UnitsInStock INT64',
        ['ProductID'],
      ),
      table('Suppliers', 'SupplierID INT64, CompanyName STRING', ['SupplierID']),
    ];
    expect(rolesOf(northwind)).toEqual({
      customer: 'Orders.CustomerID',
      customerName: 'Customers.CompanyName',
      item: 'Order Details.ProductID',
      itemName: 'Products.ProductName',
      itemCategory: 'Categories.CategoryName',
      time: 'Orders.OrderDate',
      quantity: 'Order Details.Quantity',
      price: 'Order Details.UnitPrice',
      order: 'Order Details.OrderID',
    });
    expect(joinsOf(northwind)).toContain('Products.CategoryID=Categories.CategoryID');
  });

  test('the demo: business keys, contracts beside orders, a view', () => {
    const demo = [
      table('branches', 'customer_no INT64, branch_no INT64, city STRING', ['customer_no', 'branch_no']),
      table(
        'contract_prices',
        'customer_no INT64, sku STRING, net_price NUMERIC, valid_from DATE, valid_to DATE',
        ['customer_no', 'sku'],
      ),
      table(
        'customers',
        'customer_no INT64, name STRING, segment STRING, city STRING, rep_no INT64, discount NUMERIC, customer_since DATE',
        ['customer_no'],
      ),
      table('open_contracts', 'customer_no INT64, articles INT64'),
      table(
        'order_lines',
        'line_id INT64, order_no INT64, line_no INT64, sku STRING, quantity NUMERIC, unit_price NUMERIC',
        ['line_id'],
      ),
      table(
        'orders',
        'order_no INT64, order_type STRING, customer_no INT64, branch_no INT64, rep_no INT64, channel STRING, ordered_at TIMESTAMP',
        ['order_no'],
      ),
      table(
        'products',
        'sku STRING, name STRING, category STRING, brand STRING, unit STRING, pack_size INT64, list_price NUMERIC, superseded_by STRING, discontinued_on DATE, attributes JSON',
        ['sku'],
      ),
      table('sales_reps', 'rep_no INT64, name STRING', ['rep_no']),
    ];
    expect(rolesOf(demo)).toEqual({
      customer: 'orders.customer_no',
      customerName: 'customers.name',
      customerSegment: 'customers.segment',
      item: 'order_lines.sku',
      itemName: 'products.name',
      itemCategory: 'products.category',
      itemBrand: 'products.brand',
      supersededBy: 'products.superseded_by',
      time: 'orders.ordered_at',
      quantity: 'order_lines.quantity',
      price: 'order_lines.unit_price',
      order: 'order_lines.order_no',
    });
    expect(joinsOf(demo)).toEqual([
      'order_lines.order_no=orders.order_no',
      'order_lines.sku=products.sku',
      'orders.customer_no=customers.customer_no',
    ]);
  });

  test('uploaded files have no declared keys: they are read from the names', () => {
    const files = wholesaler.map((each) => ({ ...each, key: null }));
    expect(rolesOf(files)).toEqual(rolesOf(wholesaler));
  });

  test('groups of customers and brands by their own tables; a customer’s number leads to no group', () => {
    const grouped = [
      table('orders', 'id INT64, customer_id INT64, ordered_at TIMESTAMP', ['id']),
      table('order_lines', 'id INT64, order_id INT64, product_id INT64, quantity INT64', ['id']),
      table('products', 'id INT64, name STRING, brand_id INT64, category_id INT64', ['id']),
      table('brands', 'id INT64, name STRING, created_at TIMESTAMP', ['id']),
      table('categories', 'id INT64, name STRING', ['id']),
      table('customer_groups', 'id INT64, name STRING', ['id']),
      table('customers', 'id INT64, name STRING, customer_group_id INT64, type STRING', ['id']),
    ];
    expect(rolesOf(grouped)).toMatchObject({
      time: 'orders.ordered_at',
      customerName: 'customers.name',
      customerSegment: 'customer_groups.name',
      itemName: 'products.name',
      itemCategory: 'categories.name',
      itemBrand: 'brands.name',
    });
    expect(joinsOf(grouped)).toContain('customers.customer_group_id=customer_groups.id');
  });

  test('keys of different types are not joined', () => {
    const mixed = [
      table('order_lines', 'customer_id STRING, product_id STRING, ordered_at TIMESTAMP, quantity INT64'),
      table('customers', 'id INT64, name STRING', ['id']),
    ];
    expect(guessRoles(mixed).joins).toEqual([]);
  });
});

test('what is missing is named, and nothing is made up', () => {
  const guess = guessRoles([table('readings', 'sensor STRING, value FLOAT64, at TIMESTAMP')]);
  expect(guess.missing).toEqual(['customer', 'item']);
  expect(guessRoles([])).toMatchObject({ tables: [], missing: ['customer', 'item', 'time'] });
});

test('a guess over discovered tables is a definition the API takes', () => {
  const discovered = wholesaler.map(({ alias, columns, key }) => ({
    name: `public.${alias}`,
    columns: columns.map((column) => ({ ...column, nullable: true, sourceType: 'text' })),
    key: key === null || key === undefined ? null : [...key],
    excluded: [],
    destination: `erp__public_${alias}`,
    enabled: alias !== 'contract_assortment',
  }));
  const { definition } = guessDataset('Orders', discovered);
  expect(DatasetDefinition.parse(definition)).toEqual(definition);
  expect(definition?.tables[0]).toEqual({ alias: 'order_lines', destination: 'erp__public_order_lines' });
});

test.each([
  ['public.orders', 'orders'],
  ['online-retail.csv.gz', 'online_retail'],
  ['Order Details', 'order_details'],
  ['2024.csv', 'table'],
  ['Straßen', 'strassen'],
])('the alias of %s is %s', (name, alias) => expect(aliasOf(name)).toBe(alias));
