import { useState } from 'preact/hooks';
import type { Cleaning } from '#core/dataset';
import { Area, Check, Field } from '../../ui/field.tsx';
import { counted } from '../../ui/format.ts';

interface CleaningFormProps {
  readonly cleaning: Cleaning;
  readonly onChange: (cleaning: Cleaning) => void;
}

type Rule =
  | 'dropReturns'
  | 'dropDuplicates'
  | 'dropServiceCodes'
  | 'dropUnpriced'
  | 'dropServiceNames'
  | 'netReturns'
  | 'alignUnits';
const RULES: readonly (readonly [Rule, string, string])[] = [
  ['dropReturns', 'Leave out returns', 'Quantity of zero or less, or money going back'],
  ['dropDuplicates', 'Leave out repeats', 'The same line of the same order a second time'],
  [
    'dropServiceCodes',
    'Leave out service codes',
    'Items without a digit, such as FREIGHT, where nearly all others have one',
  ],
  ['dropUnpriced', 'Leave out what is free', 'Samples and corrections with a price or value of zero or less'],
  [
    'dropServiceNames',
    'Leave out freight and fees by name',
    'Items called freight, postage, deposit, surcharge, voucher; in English, German or French',
  ],
  [
    'netReturns',
    'Settle returns',
    'What was sent back comes off the newest line of that customer and item, within half a year',
  ],
  [
    'alignUnits',
    'Align units',
    'Where an item’s price jumped once, by six or more, and quantities the other way, earlier ones count in today’s unit; needs a price or value',
  ],
];

/** Which order lines are not learned from. Each run says how many it left out for which reason. */
export function CleaningForm({ cleaning, onChange }: CleaningFormProps) {
  // As typed: a new line that is still empty must not vanish under the cursor.
  const [excluded, setExcluded] = useState(cleaning.excludeItems.join('\n'));
  const [factor, setFactor] = useState(String(cleaning.outlierFactor));
  const [project, setProject] = useState(String(cleaning.projectFactor));
  const [merges, setMerges] = useState(
    cleaning.mergeCustomers.map(({ from, to }) => `${from} = ${to}`).join('\n'),
  );
  const wrong = mergesOf(merges).wrong;
  return (
    <fieldset class="stack">
      <legend class="unseen">Which lines are left out, and what is put right in the others</legend>
      <div class="columns">
        {RULES.map(([rule, label, hint]) => (
          <Check
            key={rule}
            label={label}
            hint={hint}
            checked={cleaning[rule]}
            onChange={(on) => onChange({ ...cleaning, [rule]: on })}
          />
        ))}
      </div>
      <div class="columns">
        <Area
          label="Items to leave out"
          value={excluded}
          onInput={(text) => {
            setExcluded(text);
            onChange({ ...cleaning, excludeItems: itemsOf(text) });
          }}
          hint={
            cleaning.excludeItems.length === 0
              ? 'Keys of what is no product: freight, deposits, vouchers. One on each line.'
              : `${counted(cleaning.excludeItems.length, 'item')}, one on each line.`
          }
        />
        <Field
          label="Unusual quantities"
          type="number"
          min={0}
          max={1000}
          step="any"
          value={factor}
          onInput={(text) => {
            setFactor(text);
            onChange({ ...cleaning, outlierFactor: Number(text) });
          }}
          hint={
            cleaning.outlierFactor > 0
              ? `Leaves out lines above ${cleaning.outlierFactor} times what is usual for the item (its 99th percentile).`
              : 'How many times the item’s usual most (its 99th percentile); 0 keeps every line.'
          }
        />
      </div>
      <div class="columns">
        <Area
          label="Merged customers"
          value={merges}
          onInput={(text) => {
            setMerges(text);
            onChange({ ...cleaning, mergeCustomers: mergesOf(text).merges });
          }}
          hint={
            wrong === null
              ? 'Old key = new key, one pair on each line: purchases of the old count for the new.'
              : `“${wrong}” is no pair: write old key = new key.`
          }
        />
        <Field
          label="One-off projects"
          type="number"
          min={0}
          max={1000}
          step="any"
          value={project}
          onInput={(text) => {
            setProject(text);
            onChange({ ...cleaning, projectFactor: Number(text) });
          }}
          hint={
            cleaning.projectFactor > 0
              ? `Leaves out orders worth more than ${cleaning.projectFactor} times the customer’s usual one.`
              : 'How many times the customer’s usual order (the median of five or more); 0 keeps every order.'
          }
        />
      </div>
    </fieldset>
  );
}

const itemsOf = (text: string) => [
  ...new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  ),
];

/** The pairs of a text; `wrong`: the first line that is none, which is kept as half a pair, so that it is not saved unseen. */
function mergesOf(text: string): { merges: Cleaning['mergeCustomers']; wrong: string | null } {
  const merges: Cleaning['mergeCustomers'] = [];
  let wrong: string | null = null;
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const [from = '', to = '', ...more] = line.split('=').map((key) => key.trim());
    const isPair = from !== '' && to !== '' && more.length === 0;
    if (!isPair) wrong ??= line.trim();
    merges.push(isPair ? { from, to } : { from: line.trim(), to: '' });
  }
  return { merges, wrong };
}
