import { DAY_MS, type Catalogue } from '../data.ts';
import type { AccountState } from './at-risk.ts';
import type { Due } from './due.ts';
import type { Forgotten } from './forgotten.ts';
import type { Supersession } from './supersessions.ts';
import type { WhiteSpace } from './white-space.ts';

/** Signals as sentences. Numbers are rounded; dates are UTC. */

/** `2026-06-30`, of days since 1970. */
export const dateOf = (day: number): string => new Date(Math.floor(day) * DAY_MS).toISOString().slice(0, 10);

const days = (n: number) => (Math.round(n) === 1 ? '1 day' : `${Math.round(n)} days`);
const percent = (share: number) => `${Math.round(share * 100)} %`;
const amount = (value: number, money: boolean) =>
  money ? Math.round(value).toString() : `${Math.round(value)} lines`;

export function describeDue({ from, times, interval, last, late }: Due): string {
  const rhythm =
    from === 'own'
      ? `Bought on ${times} days, about every ${days(interval)}`
      : `Bought once; other customers buy it about every ${days(interval)}`;
  const when = late > 0 ? `${days(late)} late` : late === 0 ? 'due today' : `due in ${days(-late)}`;
  return `${rhythm}, last on ${dateOf(last)}: ${when}.`;
}

export function describeForgotten({ evidence }: Forgotten, items: Catalogue): string {
  if (evidence.kind === 'due') return describeDue(evidence.due);
  const { item, times, of } = evidence;
  return `In ${times} of ${of} orders with ${items.names[item] ?? items.keys[item]}, which is in the basket.`;
}

export function describeWhiteSpace(
  { category, similar, of, everybody, yearly }: WhiteSpace,
  money: boolean,
): string {
  const typical = yearly === null || !money ? '' : `, typically for ${Math.round(yearly)} a year`;
  return `${similar} of the ${of} most similar customers buy ${category}${typical}; of all customers ${percent(everybody)} do.`;
}

export function describeState(state: AccountState, money: boolean): string {
  const { rhythm, interval, silent, trend, volume, expected } = state;
  const usual = interval === null ? '' : `, usually every ${days(interval)}`;
  const silence = {
    unknown: `Too few orders to tell a rhythm; last ordered ${days(silent)} ago`,
    'on-time': `Ordered ${days(silent)} ago${usual}`,
    late: `Ordered ${days(silent)} ago${usual}: later than nine times in ten`,
    lapsed: `Silent for ${days(silent)}${usual}`,
  }[rhythm];
  if (volume === null || expected === null) return `${silence}.`;
  const against = `${amount(volume, money)} in the last 12 weeks where ${amount(expected, money)} were to be expected`;
  return trend === 'steady' || trend === 'unknown' ? `${silence}.` : `${silence}; ${against}.`;
}

export function describeSupersession({ moved, of, lastSold, firstSold }: Supersession): string {
  return `Last sold on ${dateOf(lastSold)}; the other first on ${dateOf(firstSold)}, and ${moved} of ${of} customers came to buy it.`;
}
