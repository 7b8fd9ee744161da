import { accountState, marketTrend } from '../../../functions/recommender/signals/at-risk.ts';
import { plannedRate } from '#scripts/demo/planned';
import { medianOf, shareOf, type Figure, type Scene } from './scene.ts';

/** Moments at which accounts are looked at; the last is the end of the history. */
const MOMENTS = [500, 560, 620, 680, 730];
/** Who went so many days ago can be missed at all; before, silence is a pause. */
const NOTICE = 28;
/** Silence that a plain rule takes for a loss. */
const PLAIN_DAYS = 60;
/** Weeks compared by the truth about shrinking, as by the signal. */
const RECENT = 84;
const FORMER = 364;
const SHRUNK = 0.5;

/** Whether accounts that left, and no others, are called lapsed; and those whose plan halved, shrinking. */
export function measureAccounts(scene: Scene): Figure[] {
  const lapsed = makeCount();
  const plain = makeCount();
  const shrinking = makeCount();
  for (const moment of MOMENTS) {
    const signals = scene.signalsAt(moment);
    const at = scene.dayAt(moment);
    const market = marketTrend(signals.accounts);
    const plans = scene.demo.accounts.map((_, c) => plan(scene, c, moment));
    const usual = medianOf(plans.filter((one) => one !== null));
    for (const [c, account] of scene.demo.accounts.entries()) {
      const state = accountState(signals, c, at, market);
      if (state === null) continue;
      const gone = moment - 1 - account.until;
      if (gone <= 0 || gone >= NOTICE) {
        lapsed.add(state.rhythm === 'lapsed', gone > 0);
        plain.add(state.silent >= PLAIN_DAYS, gone > 0);
      }
      const planned = plans[c] ?? null;
      if (planned !== null && state.trend !== 'unknown')
        shrinking.add(state.trend === 'shrinking', planned < SHRUNK * usual);
    }
  }
  const against = `silent for ${PLAIN_DAYS} days`;
  return [
    {
      name: 'lapsed-precision',
      value: lapsed.precision(),
      unit: 'share',
      reference: plain.precision(),
      against,
      n: lapsed.said(),
    },
    {
      name: 'lapsed-recall',
      value: lapsed.recall(),
      unit: 'share',
      reference: plain.recall(),
      against,
      n: lapsed.true(),
    },
    {
      name: 'shrinking-precision',
      value: shrinking.precision(),
      unit: 'share',
      reference: null,
      against: '',
      n: shrinking.said(),
    },
    {
      name: 'shrinking-recall',
      value: shrinking.recall(),
      unit: 'share',
      reference: null,
      against: '',
      n: shrinking.true(),
    },
  ];
}

/** The planned volume of the newest weeks to that of the year before; null where there was too little before. */
function plan(scene: Scene, account: number, moment: number): number | null {
  const { since } = scene.demo.accounts[account]!;
  const from = Math.max(since, moment - RECENT - FORMER);
  if (moment - RECENT - from < 140) return null;
  const before = plannedRate(scene.demo, account, from, moment - RECENT);
  return before === 0 ? null : plannedRate(scene.demo, account, moment - RECENT, moment) / before;
}

function makeCount() {
  let hits = 0;
  let said = 0;
  let real = 0;
  return {
    add(called: boolean, truth: boolean): void {
      if (called) said++;
      if (truth) real++;
      if (called && truth) hits++;
    },
    precision: () => shareOf(hits, said),
    recall: () => shareOf(hits, real),
    said: () => said,
    true: () => real,
  };
}
