import type { ColumnBuilder } from '#columnar/table-writer';

const WORD = 4_294_967_296;
/** Factors of so many digits never take a word's product beyond what a double holds exactly. */
export const STEP_DIGITS = 6;
const POWERS = Array.from({ length: STEP_DIGITS + 1 }, (_, digits) => 10 ** digits);

/** An amount of up to 96 digits in words of 32 bits, the lowest first: what a bigint would cost much more for. */
export class WideDecimal {
  private readonly words = new Uint32Array(10);
  private used = 0;

  /** Back to zero. */
  clear(): void {
    this.words.fill(0);
    this.used = 1;
  }

  /** The amount times `factor`, plus `more`; both at most 10^6. */
  shift(factor: number, more: number): void {
    const { words } = this;
    let carry = more;
    for (let word = 0; word < this.used; word++) {
      const product = words[word]! * factor + carry;
      carry = Math.floor(product / WORD);
      words[word] = product; // the array keeps the low 32 bits
    }
    if (carry > 0) words[this.used++] = carry;
  }

  /** The amount times 10^digits. */
  scaleUp(digits: number): void {
    for (let missing = digits; missing > 0; missing -= STEP_DIGITS)
      this.shift(POWERS[Math.min(missing, STEP_DIGITS)]!, 0);
  }

  /** Whether the amount is below `limit`, whose words are in the same order and as many. */
  isBelow(limit: Uint32Array): boolean {
    for (let word = limit.length - 1; word >= 0; word--)
      if (this.words[word] !== limit[word]) return this.words[word]! < limit[word]!;
    return false;
  }

  /** Appends the amount, negated where `negative`; it must fit the column. */
  appendTo(builder: Extract<ColumnBuilder, { kind: 'integer' | 'decimal' }>, negative: boolean): void {
    const { words } = this;
    if (builder.kind === 'decimal') builder.appendWords(words, negative);
    // At most 18 digits: two words, and the upper one's complement where the lower is not zero.
    else if (!negative) builder.appendWords(words[0]!, words[1]!);
    else builder.appendWords(-words[0]!, words[0] === 0 ? -words[1]! : ~words[1]!);
  }
}

/** `value`, which has at most 96 digits, as the words that `isBelow` takes. */
export function wideLimit(value: bigint): Uint32Array {
  return Uint32Array.from({ length: 10 }, (_, word) => Number((value >> BigInt(32 * word)) & 0xffffffffn));
}
