/*
 * Functions and containers that run in the test's own process say their structured log lines on stdout, among them the
 * failures that tests provoke. They are left out of the report; TEST_LOGS=1 shows them.
 */
if (process.env['TEST_LOGS'] === undefined) {
  const write = process.stdout.write.bind(process.stdout);
  const quiet = (...args: Parameters<typeof write>): boolean =>
    typeof args[0] === 'string' && args[0].startsWith('{"time":') ? true : write(...args);
  // `write` has several overloads; all of them take the text first.
  process.stdout.write = quiet as typeof process.stdout.write;
}
