import { stillThere } from '#connectors/mysql/in-flight';

const running = (thread: string, seconds: number) => ({ id: `c${thread}`, thread, seconds });
const open = (id: string, thread: string, seconds: number) => ({ id: `t${id}`, thread, seconds });

test('a writer is waited for as long as its statement runs or its transaction is open', () => {
  const before = [running('5', 1), open('90', '6', 4)];
  expect(stillThere(before, before)).toEqual(before);
  expect(stillThere(before, [running('5', 2), open('90', '6', 4)])).toHaveLength(2);
  expect(stillThere(before, [])).toEqual([]);
  expect(stillThere(before, [running('7', 9), open('91', '7', 9)])).toEqual([]);
});

test('a statement that has ended is followed into the transaction of its connection', () => {
  const left = [open('99', '5', 2)];
  expect(stillThere([running('5', 1)], left)).toEqual(left);
  // The connection runs its next statement in it.
  expect(stillThere([running('5', 1)], [...left, running('5', 0)])).toEqual(left);
  expect(stillThere(left, left)).toEqual(left);
  expect(stillThere(left, [open('100', '5', 0)])).toEqual([]);
});

test('a connection that goes from one short transaction to the next is not waited for without end', () => {
  const first = stillThere([running('5', 1)], [open('99', '5', 0), running('5', 0)]);
  expect(stillThere(first, [open('100', '5', 0), running('5', 0)])).toEqual([]);
});
