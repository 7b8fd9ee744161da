import { makeProgress, type Terminal } from '#scripts/start/progress';

const listen = (isTTY: boolean) => {
  const written: string[] = [];
  const terminal: Terminal = { isTTY, columns: 100, write: (text) => written.push(text) };
  let time = 0;
  return { written, progress: makeProgress(terminal, () => (time += 1500)) };
};

test('away from a screen each step is one plain line with its last word and its time', async () => {
  const { written, progress } = listen(false);
  const answer = await progress.step('load', 'Load', async (say) => {
    say('half');
    say('1,000 rows');
    return 7;
  });
  expect(answer).toBe(7);
  expect(written).toHaveLength(1);
  expect(written[0]).toMatch(/^✓ Load {23}1,000 rows +1\.5 s\n$/);
  expect(written[0]).not.toContain('half');
});

test('on a screen the line is redrawn in place, and cut to its width', async () => {
  const { written, progress } = listen(true);
  await progress.step('load', 'Load', async (say) => say('x'.repeat(300)));
  expect(written.length).toBeGreaterThan(1);
  expect(written.every((text) => text.startsWith('\r'))).toBe(true);
  expect(Math.max(...written.map((text) => text.length))).toBeLessThan(110);
});

test('a failed step is marked, timed and thrown on', async () => {
  const { written, progress } = listen(false);
  await expect(progress.step('load', 'Load', async () => Promise.reject(new Error('no')))).rejects.toThrow(
    'no',
  );
  expect(written[0]).toMatch(/^✗ Load/);
  expect(progress.steps).toEqual([{ name: 'load', seconds: 1.5 }]);
});
