import { makeLanes } from '#runtime/lanes';

const patient = { waiting: 10, milliseconds: 60_000 };

test('who has no calls to spare is served one at a time, in the order of coming; others are not kept waiting', async () => {
  const lanes = makeLanes(patient);
  const served: string[] = [];
  const come = async (lane: string, name: string) => {
    const leave = await lanes.enter(lane, false);
    served.push(name);
    return leave;
  };
  const first = await come('busy', 'a');
  const second = come('busy', 'b');
  const third = come('busy', 'c');
  const other = await come('quiet', 'z');
  expect(served).toEqual(['a', 'z']);
  first();
  (await second)();
  (await third)();
  other();
  expect(served).toEqual(['a', 'z', 'b', 'c']);
});

test('who has calls to spare is served side by side', async () => {
  const lanes = makeLanes(patient);
  const places = await Promise.all(Array.from({ length: 4 }, () => lanes.enter('busy', true)));
  const fifth = lanes.enter('busy', true);
  // Without calls to spare one waits until the lane is empty.
  const last = lanes.enter('busy', false);
  let entered = 0;
  void fifth.then(() => (entered += 1));
  void last.then(() => (entered += 1));
  places.pop()?.();
  (await fifth)();
  expect(entered).toBe(1);
  for (const leave of places) leave();
  (await last)();
});

test('too many who wait are refused, with when to come again; afterwards the lane is as it was', async () => {
  const lanes = makeLanes({ waiting: 1, milliseconds: 60_000 });
  const leave = await lanes.enter('busy', false);
  const waiting = lanes.enter('busy', false);
  await expect(lanes.enter('busy', true)).rejects.toMatchObject({
    code: 'too-many-at-once',
    details: { retryAfterSeconds: 1 },
  });
  leave();
  (await waiting)();
  (await lanes.enter('busy', false))();
});

test('who has waited too long is refused, and takes nobody’s place', async () => {
  const lanes = makeLanes({ waiting: 10, milliseconds: 20 });
  const leave = await lanes.enter('busy', false);
  await expect(lanes.enter('busy', false)).rejects.toMatchObject({ code: 'too-many-at-once' });
  leave();
  (await lanes.enter('busy', false))();
});
