/**
 * Addresses and file names that try to get at what is not the tenant's own. `acme` with the model `m1` asks; the installation's
 * bucket `ours` holds what is everybody's; `acme-files` is acme's own bucket, `others-files` another tenant's.
 */
const OWN = 'gs://ours/acme/m1/uploads';

/** Addresses of files, as settings of a source would have them. */
// prettier-ignore
export const HOSTILE_ADDRESSES: readonly string[] = [
  // Straight at it.
  'gs://ours/other/m2/uploads/u2/secret.csv', 'gs://ours/acme/m9/uploads/u3/secret.csv', 'gs://ours/acme/m1/runs/r1/secret.csv',
  'gs://others-files/secret.csv', 'gs://unlabelled/secret.csv', 'gs://no-such-bucket/secret.csv', 'gs://ours/secret.csv', 'gs://ours/',
  // Up and down again.
  `${OWN}/../../../other/m2/uploads/u2/secret.csv`, `${OWN}/u1/../../../../other/m2/uploads/u2/secret.csv`, `${OWN}/./../../m9/uploads/u3/secret.csv`,
  `${OWN}/..`, `${OWN}/u1/..`, `${OWN}//../secret.csv`, 'gs://acme-files/../others-files/secret.csv', 'gs://acme-files/../../ours/secret.csv',
  `${OWN}/..\\..\\..\\other\\m2\\uploads\\u2\\secret.csv`, `${OWN}\\..\\..\\m9\\uploads\\u3\\secret.csv`, `${OWN}/..//..//..//other/m2/uploads/u2/secret.csv`,
  // Encoded once, twice, overlong, or in other letters.
  `${OWN}/%2e%2e/%2e%2e/%2e%2e/other/m2/uploads/u2/secret.csv`, `${OWN}/%2e%2e%2f%2e%2e%2f%2e%2e%2fother%2fm2%2fuploads%2fu2%2fsecret.csv`,
  `${OWN}/%252e%252e/%252e%252e/%252e%252e/other/m2/uploads/u2/secret.csv`, `${OWN}/..%2f..%2f..%2fother/m2/uploads/u2/secret.csv`,
  `${OWN}/..%5c..%5c..%5cother/m2/uploads/u2/secret.csv`, `${OWN}/%c0%ae%c0%ae/%c0%ae%c0%ae/secret.csv`, `${OWN}/%uff0e%uff0e/secret.csv`,
  `${OWN}/\uff0e\uff0e/\uff0e\uff0e/\uff0e\uff0e/other/m2/uploads/u2/secret.csv`, `${OWN}/\u2025/\u2025/secret.csv`, `${OWN}\u2215..\u2215secret.csv`,
  `${OWN}/\u2024\u2024/secret.csv`, 'gs://ours/acme%2fm1%2fuploads%2f..%2fsecret.csv', 'gs://ours/%6fther/m2/uploads/u2/secret.csv',
  'gs://ours/acme/m1/uploads%2f..%2f..%2fm9%2fuploads%2fu3%2fsecret.csv', 'gs://ours%2fother/m2/uploads/u2/secret.csv',
  // Beginning alike.
  'gs://ours/acme/m1/uploadsx/secret.csv', 'gs://ours/acme/m11/uploads/secret.csv', 'gs://ours/acme2/m1/uploads/secret.csv', 'gs://ours/ACME/m1/uploads/u1/mine.csv',
  'gs://Ours/other/m2/uploads/u2/secret.csv', 'gs://ours./other/m2/uploads/u2/secret.csv', 'gs://ours:443/other/m2/uploads/u2/secret.csv',
  'gs://acme@ours/other/m2/uploads/u2/secret.csv', 'GS://ours/other/m2/uploads/u2/secret.csv', 'gs:///ours/other/m2/uploads/u2/secret.csv', 'gs:ours/secret.csv',
  // Stars across tenants.
  'gs://ours/**', 'gs://ours/*', 'gs://ours/**/secret.csv', 'gs://ours/*/m2/uploads/u2/*.csv', 'gs://ours/acme/**', 'gs://ours/acme/m*/uploads/**', 'gs://ours/acme/m1/upl*/**',
  'gs://ours/acme/m1/uploads*', 'gs://ours/acme/m1/uploads**/secret.csv', 'gs://*/secret.csv', 'gs://others-*/secret.csv', 'gs://**', `${OWN}/../**`, `${OWN}/*/../../**`,
  `${OWN}/**/../../../../other/**`, 'gs://others-files/**', 'gs://unlabelled/*', `${OWN}/**`, `${OWN}/*/*`, `${OWN}/**secret**`,
  // With something behind.
  `${OWN}/u1/mine.csv?alt=media&userProject=ours`, `${OWN}/u1/mine.csv#/../../../other/m2/uploads/u2/secret.csv`, `${OWN}/u1/mine.csv;generation=1`,
  `${OWN}/u1/mine.csv\u0000/../secret.csv`, `${OWN}/u1/mine.csv%00.csv`, `${OWN}/u1/mine.csv\r\nX-Goog-User-Project: ours`, `${OWN}/u1/mine.csv/`, `${OWN}/u1/mine.csv.`,
  `${OWN}/u1/mine.csv `, `${OWN}/${'a/'.repeat(900)}x`, `${OWN}/${'x'.repeat(1900)}`, `${OWN}/${'../'.repeat(600)}secret.csv`, `${OWN}/\u202evsc.terces`, `${OWN}/u1/mine\u200b.csv`,
  // Other ways to name a file.
  'file:///etc/passwd', 'file://ours/secret.csv', 'data:text/csv,id%0ASECRET', 'http://files.example/secret.csv', 'ftp://files.example/secret.csv', '/etc/passwd', 's3://ours/secret.csv',
  'javascript:alert(1)', 'jar:file:///x!/y', 'https:/files.example/x', 'https://', 'https:///etc/passwd', '', ' ', '\\\\server\\share\\x.csv', 'gs://ours',
];

/** Names of files to be uploaded. */
// prettier-ignore
export const HOSTILE_FILE_NAMES: readonly string[] = [
  '..', '.', '...', '../secret.csv', '../../../other/m2/uploads/u2/secret.csv', '/etc/passwd', 'a/b.csv', 'a\\b.csv', '..\\secret.csv', '%2e%2e', '%2e%2e%2fsecret.csv', '..%2f..%2fsecret.csv',
  '%252e%252e', '\uff0e\uff0e', '\u2025', 'a\u2215b', 'a\u0000.csv', '\u0000', 'a\r\nX-Evil: 1.csv', 'a\nb', 'a\tb.csv', '*', '**', '*.csv', '?', '?alt=media', '#', 'a#b', 'a?b=c', 'a;b', '.well-known',
  'gs://others-files/x', 'file:x', 'data:,x', ' ', '  ', ' a', 'a ', 'a.', 'CON', 'x'.repeat(200), 'x'.repeat(201), '\u{1f600}'.repeat(50), '\u{1f600}'.repeat(100), '\u202evsc', 'a\u200bb',
  '"; filename="x', "'", '`id`', '$(id)', '-rf', '=cmd', '\ud800', 'a\u0085b', 'a\u2028b', '', 'secret.csv', '__proto__', '%', '%zz', 'a+b', 'a&b', 'a,b', 'a|b', 'a:b', '~', '{x}', '[x]', '!', '@',
];

/** Paths below a web server's address. */
// prettier-ignore
export const HOSTILE_WEB_PATHS: readonly string[] = [
  '/../secret.csv', '/a/../../secret.csv', '/%2e%2e/secret.csv', '/..%2fsecret.csv', '/%252e%252e/secret.csv', '/a\\..\\secret.csv', '//secret.csv', '/a%00.csv', '/a%0d%0aX-Evil:%201', '/a\r\nX-Evil: 1',
  '/a\nGET /secret.csv HTTP/1.1', '/a?x=\r\ny', '/a b', '/\u00e9', '/\u{1f600}', '/a?b=c#d', '/*', '/**', `/${'x'.repeat(1800)}`, '/;x', '/.', '/..', '/a/./b', '/\u202e', '/a\tb', '/%', '/%zz',
];
