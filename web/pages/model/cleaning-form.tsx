import { useState } from 'preact/hooks';
import type { Cleaning } from '#core/dataset';
import { Area, Check, Field } from '../../ui/field.tsx';
import { counted } from '../../ui/format.ts';

interface CleaningFormProps {
  readonly cleaning: Cleaning;
  readonly onChange: (cleaning: Cleaning) => void;
}

type Rule = 'dropReturns' | 'dropDuplicates' | 'dropServiceCodes' | 'dropUnpriced';
const RULES: readonly (readonly [Rule, string, string])[] = [
  ['dropReturns', 'Leave out returns', 'Quantity of zero or less, or money going back'],
  ['dropDuplicates', 'Leave out repeats', 'The same line of the same order a second time'],
  [
    'dropServiceCodes',
    'Leave out service codes',
    'Items without a digit, such as FREIGHT, where nearly all others have one',
  ],
  ['dropUnpriced', 'Leave out what is free', 'Samples and corrections with a price or value of zero or less'],
];

/** Which order lines are not learned from. Each run says how many it left out for which reason. */
export function CleaningForm({ cleaning, onChange }: CleaningFormProps) {
  // As typed: a new line that is still empty must not vanish under the cursor.
  const [excluded, setExcluded] = useState(cleaning.excludeItems.join('\n'));
  const [factor, setFactor] = useState(String(cleaning.outlierFactor));
  return (
    <fieldset class="stack">
      <legend class="unseen">Which lines are left out</legend>
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
