import { finish, takeTurns, type Steps } from '../../../functions/recommender/steps.ts';

/** `times` pieces of work of about a millisecond each; what was done so far is told to `seen`. */
function* working(times: number, seen: number[] = []): Steps<string> {
  for (let n = 0; n < times; n++) {
    for (const until = performance.now() + 1; performance.now() < until;);
    seen.push(n);
    yield;
  }
  return 'done';
}

it('lets others have their turn, and comes to the same as at once', async () => {
  let turns = 0;
  const other = setInterval(() => turns++, 1);
  expect(await takeTurns(working(40))).toBe('done');
  clearInterval(other);
  expect(turns).toBeGreaterThanOrEqual(3);
  expect(finish(working(1))).toBe('done');
});

it('ends with the reason of an abort, soon after it', async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  setTimeout(() => controller.abort(new Error('cancelled')), 5);
  await expect(takeTurns(working(10_000, seen), controller.signal)).rejects.toThrow('cancelled');
  expect(seen.length).toBeLessThan(1000);
});
