/** Quoting for GoogleSQL, whose quoted names and strings both know backslash escapes: doubling quotes is wrong there. */

function escaped(text: string, quote: string): string {
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (char === '\\' || char === quote) out += `\\${char}`;
    else if (code < 0x20 || code === 0x7f || code === 0x2028 || code === 0x2029)
      out += `\\u${code.toString(16).padStart(4, '0')}`;
    else out += char;
  }
  return out;
}

/** A name: column, alias. */
export function quoteName(name: string): string {
  return `\`${escaped(name, '`')}\``;
}

/** A table: `project.dataset.table` as one quoted name. */
export function quoteTable(project: string, dataset: string, table: string): string {
  return quoteName(`${project}.${dataset}.${table}`);
}

/** A string literal. */
export function quoteText(text: string): string {
  return `'${escaped(text, "'")}'`;
}
