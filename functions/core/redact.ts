/*
 * What is said in logs, run logs and failures: no secrets, no characters that could pass for a line of their own, not
 * without end. By form alone: a secret that looks like any word, without a name before it, cannot be told apart; so
 * secrets are not put into messages in the first place, and this is the net below.
 */

/** Longest text kept, in characters. */
export const LONGEST_TEXT = 8000;
/** Looked at before cutting: masking makes texts shorter. */
const LOOKED_AT = 4 * LONGEST_TEXT;
const MASK = '***';

const SECRET_WORDS =
  'pass(?:word|wd|phrase|code)|pwd|secret|token|credentials?|signature|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?key|tenant[_-]?keys?|installation[_-]?key|authorization';
/** A name with such a word in it: `db_password`, `X-Api-Key`, `accessTokenOf`. */
const NAME = `[\\w-]{0,40}(?:${SECRET_WORDS})[\\w-]{0,40}`;

type Rule = readonly [pattern: RegExp, replacement: string];

/** In this order: what is masked by one rule no longer looks like anything to the next. */
const RULES: readonly Rule[] = [
  [/-----BEGIN [^-]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [^-]{0,40}-----|$)/g, MASK],
  [/\b((?:set-)?cookie\s*:\s*)[^\r\n]+/gi, `$1${MASK}`],
  // user:password@ of an address: to the last @, for passwords hold @ and / unescaped more often than they should.
  [/([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@]{0,200}:)\S{1,500}@/gi, `$1${MASK}@`],
  // user:password@tcp(host), user:password@host:port, user:password@host/database
  [/\b([\w.%+-]{1,64}:)[^\s@:/]{1,200}@(?=[\w.-]{1,255}[:/(])/g, `$1${MASK}@`],
  [/\b([Bb]earer|BEARER|[Bb]asic|BASIC)(\s+|%20)(?=\S{0,40}[0-9A-Z=_.-])[\w.~+/=-]{6,}/g, `$1$2${MASK}`],
  [/\btwi?_[a-z][a-z0-9]{3,31}_[\w-]{4,}/g, MASK],
  // Secrets of webhooks.
  [/\btwhs_[\w-]{16,}/g, MASK],
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g, MASK],
  // Google, GitHub, Slack, Stripe and OpenAI, AWS.
  [/\b(?:AIza[\w-]{30,}|ya29\.[\w.-]{10,}|1\/\/0[\w-]{20,}|GOCSPX-[\w-]{10,})/g, MASK],
  [
    /\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|[sr]k[-_](?:live|test|proj)?[-_]?\w{16,})/g,
    MASK,
  ],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, MASK],
  // name = value, name="value", name%3Dvalue; of a signed address too.
  [
    new RegExp(
      `\\b(${NAME}\\s{0,5}(?:=|%3D)\\s{0,5})(?!\\*\\*\\*)(?:"(?:[^"\\\\]|\\\\.)*"?|'(?:[^'\\\\]|\\\\.|'')*'?|[^\\s&;]+)`,
      'gi',
    ),
    `$1${MASK}`,
  ],
  // "name": "value" of JSON, also of JSON inside JSON; name: 'value' of an inspected object.
  [
    new RegExp(
      `(${NAME}\\\\{0,3}["'\`]?\\s{0,5}:\\s{0,5})(\\\\{0,3}["'\`])(?:(?!\\2)(?:\\\\.|[\\s\\S]))*(?:\\2|$)`,
      'gi',
    ),
    `$1$2${MASK}$2`,
  ],
  // name: value, where the value is no word: "password: must be longer" stays readable.
  [
    new RegExp(
      `\\b(${NAME}\\s{0,5}:\\s{0,5})(?=[^\\s]{0,60}\\d)(?=[^\\s]{0,60}[a-z_!-/])[^\\s"'\`,;{}<*]{6,}`,
      'gi',
    ),
    `$1${MASK}`,
  ],
  [/<Buffer [0-9a-f .]+(?:more bytes)?>/g, `<Buffer ${MASK}>`],
];

// C0 and C1 controls, line and paragraph separators, and what turns the direction of text round.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** `text` with its secrets masked, its control characters escaped, and cut to LONGEST_TEXT. Twice is the same as once. */
export function redactText(text: string): string {
  let masked = text.slice(0, LOOKED_AT);
  for (const [pattern, replacement] of RULES) masked = masked.replace(pattern, replacement);
  const escaped = masked.replace(
    CONTROLS,
    (one) => SHORT[one] ?? `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return escaped.length <= LONGEST_TEXT && text.length <= LOOKED_AT
    ? escaped
    : `${escaped.slice(0, LONGEST_TEXT - 20)}… (cut)`;
}

const SECRET_NAME = new RegExp(SECRET_WORDS, 'i');

/** Whether what goes by `name` is to be kept secret, whatever it looks like. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Fields of a log line, redacted: by their names, and what their texts hold. */
export function redactFields<T extends string | number | boolean | null>(
  fields: Readonly<Record<string, T>>,
): Record<string, T | string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [redactText(name).slice(0, 100), redactValue(name, value)]),
  );
}

function redactValue<T extends string | number | boolean | null>(name: string, value: T): T | string {
  if (isSecretName(name) && value !== null && typeof value !== 'boolean') return MASK;
  return typeof value === 'string' ? redactText(value) : value;
}
