import { lagOf } from '#connectors/mysql/replica-lag';

test('of several channels the one that is furthest behind counts; one that stands still says nothing', () => {
  expect(lagOf([])).toBeNull();
  expect(lagOf([{ Seconds_Behind_Master: '12' }, { Seconds_Behind_Master: '40' }])).toBe(40);
  // As MySQL 8.0.22 and later call it.
  expect(lagOf([{ Seconds_Behind_Source: '0' }])).toBe(0);
  expect(lagOf([{ Seconds_Behind_Source: null }])).toBeNull();
  expect(lagOf([{ Channel_Name: 'a', Seconds_Behind_Source: null }, { Seconds_Behind_Source: '7' }])).toBe(7);
});
