/**
 * What the words in a column's or table's name are about, in English, German, French and Dutch, and in the
 * abbreviations of common business systems. Compounds come apart: `Kundennummer` is about a customer and a number.
 */

export type Concept =
  | 'customer'
  | 'person'
  | 'item'
  | 'stock'
  | 'order'
  | 'line'
  | 'id'
  | 'name'
  | 'description'
  | 'date'
  | 'created'
  | 'other-date'
  | 'quantity'
  | 'price'
  | 'value'
  | 'total'
  | 'unit'
  | 'not-charged'
  | 'category'
  | 'brand'
  | 'segment'
  | 'superseded'
  | 'supplier'
  | 'side-table'
  | 'contact'
  | 'place'
  | 'type'
  | 'parent'
  | 'weak';

const WORDS: readonly (readonly [Concept, string])[] = [
  [
    'customer',
    'customer cust client clt klant kunde kunden kd account acct buyer debtor debitor debiteur abnehmer acheteur afnemer soldto kunnr',
  ],
  ['person', 'user member company firma societe bedrijf organisation organization'],
  [
    'item',
    'product prod item article artikel art sku produit produkt part material materiel ware goods good stockcode matnr ean gtin asin upc',
  ],
  ['stock', 'stock lager voorraad bestand inventory'],
  [
    'order',
    'order ord invoice inv auftrag bestellung bestell bestel bestelling rechnung factuur facture commande cmd beleg basket transaction trx receipt sale vbeln',
  ],
  ['line', 'line position pos detail regel ligne zeile posnr'],
  [
    'id',
    'id no nr num number nummer code key numero uuid guid ref reference sku kunnr matnr vbeln stockcode ean gtin asin upc',
  ],
  ['name', 'name title titel titre nom naam bezeichnung benennung libelle label designation maktx'],
  ['description', 'description desc descr beschreibung omschrijving text'],
  [
    'date',
    'date datum time timestamp day zeit zeitpunkt tag jour moment tijd at on erdat audat fkdat datetime',
  ],
  ['created', 'created placed ordered creation erstellt angelegt cree aangemaakt geplaatst'],
  [
    'other-date',
    'shipped ship shipping required delivery delivered due paid payment updated modified changed birth valid expiry expires requested promised lieferung liefer livraison levering lever leverdatum faellig echeance vervaldatum geaendert gewijzigd modifie cancelled deleted closed first last',
  ],
  [
    'quantity',
    'quantity qty quantite qte menge anzahl aantal hoeveelheid unit stueck stuck piece pieces pcs kwmeng nombre stuks',
  ],
  ['price', 'price preis prix prijs tarif tarief netpr'],
  [
    'value',
    'amount amt value betrag wert umsatz montant bedrag revenue turnover omzet net sales netwr extended',
  ],
  ['total', 'total sum summe gesamt totaal subtotal somme'],
  ['unit', 'unit einzel stuk unitaire unite einheit eenheid each stueck'],
  [
    'not-charged',
    'discount rabatt remise korting tax vat mwst steuer tva btw taxe cost kosten cout freight fracht fret list liste min minimum max pack level reorder weight gewicht poids stock lager voorraad safety target limit',
  ],
  [
    'category',
    'category cat group family categorie kategorie gruppe groep groupe famille familie class range warengruppe sortiment segment department',
  ],
  ['brand', 'brand marke manufacturer hersteller marque fabricant merk fabrikant producer maker mfr'],
  // "branche" is left out: "branches" would be read as its plural.
  ['segment', 'segment industry sector secteur vertical tier'],
  [
    'superseded',
    'superseded supersede supersedes replaced replacement replace successor nachfolger ersatz ersetzt vervangen vervanger opvolger remplace remplacement successeur',
  ],
  ['supplier', 'supplier vendor lieferant fournisseur leverancier purchase einkauf achat inkoop'],
  [
    'side-table',
    'quote quotation offer angebot devis offerte return retour ruecksendung cart wishlist forecast budget contract vertrag contrat assortment pricelist promotion campaign stock inventory log history archive address shipment delivery',
  ],
  ['contact', 'contact kontakt first last vorname nachname prenom voornaam achternaam salesrep rep employee'],
  [
    'place',
    'city street zip postcode country land region phone email mail address state branch stadt ort ville pays plaats fax url',
  ],
  ['type', 'type status state flag segment currency class art channel'],
  ['parent', 'parent head root'],
  ['weak', 'item part ware good goods reference ref line'],
];

const CONCEPTS: ReadonlyMap<string, readonly Concept[]> = (() => {
  const all = new Map<string, Concept[]>();
  for (const [concept, words] of WORDS)
    for (const word of words.split(' ')) all.set(word, [...(all.get(word) ?? []), concept]);
  // "art" is German for article and for kind; a bare English reading of it is no type.
  all.set('art', ['item', 'weak']);
  return all;
})();

/** A name as its words and what they are about. */
export interface Reading {
  /** Lower-case words without accents, singular where the dictionary knows them, compounds taken apart. */
  readonly words: readonly string[];
  readonly concepts: ReadonlySet<Concept>;
  /** How many words the dictionary does not know. */
  readonly unknown: number;
}

/** What `name` says: `KundenNr`, `kunden_nr` and `Kundennummer` all read as customer + id. */
export function readName(name: string): Reading {
  const words = tokens(name).flatMap((token) => takeApart(token) ?? [token]);
  const concepts = new Set(words.flatMap((word) => CONCEPTS.get(word) ?? []));
  return { words, concepts, unknown: words.filter((word) => !CONCEPTS.has(word)).length };
}

function tokens(name: string): string[] {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/ß/g, 'ss')
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((token) => token !== '');
}

/** The dictionary word that `token` is a form of. */
function singular(token: string): string | null {
  for (const form of [token, ...['s', 'es', 'e', 'n', 'en', 'x'].map((end) => cut(token, end))])
    if (form !== null && CONCEPTS.has(form)) return form;
  const ies = cut(token, 'ies');
  return ies !== null && CONCEPTS.has(`${ies}y`) ? `${ies}y` : null;
}

function cut(token: string, end: string): string | null {
  return token.length > end.length + 2 && token.endsWith(end) ? token.slice(0, -end.length) : null;
}

/** `token` as dictionary words, the longest first; null where any part is unknown. Names are short: depth is bounded. */
function takeApart(token: string, depth = 0): string[] | null {
  const whole = singular(token);
  if (whole !== null) return [whole];
  if (depth > 3 || token.length > 60) return null;
  for (let end = token.length - 2; end >= 2; end--) {
    const head = singular(token.slice(0, end));
    if (head === null) continue;
    const rest = takeApart(token.slice(end), depth + 1);
    if (rest !== null) return [head, ...rest];
  }
  return null;
}
