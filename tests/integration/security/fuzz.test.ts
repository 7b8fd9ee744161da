import { fuzzApi } from '#tests/fuzz/fuzz-api';

/** Few for each endpoint here; `npm run bench -- fuzz` sends many. */
const CASES = 6;

test('whatever is sent to an endpoint, it answers, as a problem that says what is wrong', async () => {
  const { endpoints, requests, faults } = await fuzzApi({ cases: CASES, seed: 1 });
  process.stderr.write(`fuzz: ${endpoints} endpoints, ${requests} requests, ${faults.length} faults\n`);
  expect(faults).toEqual([]);
  expect(requests).toBe(endpoints * CASES);
}, 600_000);
