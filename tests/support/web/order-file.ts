import { DEMO, planWholesaler } from '#scripts/demo/wholesaler';

/** A CSV file as a company exports it, and what is wrong in it. */
export interface OrderFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** Order lines that can be read at all. */
  readonly lines: number;
  /** Lines with more fields than the header has. */
  readonly broken: number;
  /** Sales over the counter: nobody's. */
  readonly withoutCustomer: number;
}

/**
 * Order lines of a small wholesaler in one file, in German: semicolons, quotes, umlauts, column names that are no
 * column names elsewhere; sales to nobody, returns, freight, repeats, and two lines that are broken.
 */
export function orderFile(): OrderFile {
  const company = planWholesaler({ ...DEMO, accounts: 60, days: 240 });
  const customers = new Map(company.accounts.map((account) => [account.customerNo, account.name]));
  const rows = ['Beleg-Nr.;Kunden-Nr.;Kunde;Artikel-Nr.;Artikelbezeichnung;Menge;Preis (€);Bestelldatum'];
  let withoutCustomer = 0;
  for (const order of company.orders())
    for (const line of order.lines) {
      if (order.customerNo === null) withoutCustomer += 1;
      const name = customers.get(order.customerNo ?? 0) ?? '';
      const article = company.catalogue.bySku.get(line.sku)?.name ?? '';
      const fields = [
        order.orderNo,
        order.customerNo ?? '',
        quoted(name),
        line.sku,
        quoted(`${article}; Größe "L"`),
        line.quantity,
        line.unitPrice,
        new Date(order.at).toISOString().slice(0, 19).replace('T', ' '),
      ];
      rows.push(fields.join(';'));
    }
  const lines = rows.length - 1;
  const broken = [100, 2000];
  for (const at of broken) rows.splice(at, 0, `${rows[at]};zu;viel`);
  return {
    name: 'Bestellungen 2026 – Export aus der Warenwirtschaft, alle Niederlassungen.csv',
    bytes: Buffer.from(`${rows.join('\r\n')}\r\n`),
    lines,
    broken: broken.length,
    withoutCustomer,
  };
}

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
