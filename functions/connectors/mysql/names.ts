/** Names and texts in statements. */

/** An identifier, quoted in every SQL mode. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A text as a literal that no SQL mode and no escape changes. */
export function textLiteral(text: string): string {
  return text === '' ? "''" : `_utf8mb4 0x${Buffer.from(text, 'utf8').toString('hex')}`;
}
