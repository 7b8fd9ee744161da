import { DropReason } from '#core/dataset';
import { droppedReasons, rejectedReasons } from '../../../web/pages/model/reasons.ts';

test('what was left out is said in words, most first; what did not happen is not said', () => {
  expect(droppedReasons({ return: 12, 'no-customer': 300, duplicate: 0 })).toEqual([
    { text: 'Without a customer', count: 300 },
    { text: 'Returns and credit notes', count: 12 },
  ]);
});

test('every reason has words of its own', () => {
  const texts = DropReason.options.map((reason) => droppedReasons({ [reason]: 1 })[0]?.text ?? '');
  expect(new Set(texts).size).toBe(DropReason.options.length);
  expect(texts.filter((text) => !/^[A-Z][a-z ]+/.test(text))).toEqual([]);
});

test('reasons that a connector invents later can still be read', () => {
  expect(rejectedReasons({ 'field-count': 2, 'not-int64': 7, 'date-out-of-range': 1 })).toEqual([
    { text: 'Values that are no INT64', count: 7 },
    { text: 'Too few or too many fields', count: 2 },
    { text: 'Date out of range', count: 1 },
  ]);
});
