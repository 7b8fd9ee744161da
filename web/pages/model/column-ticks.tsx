import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Button } from '../../ui/button.tsx';

interface TicksProps {
  readonly title: string;
  readonly open: boolean;
  readonly legend: string;
  readonly names: readonly string[];
  /** Those that are chosen now. */
  readonly now: readonly string[];
  readonly verb: string;
  readonly disabled: boolean;
  readonly onChoose: (names: string[]) => void;
  /** How many have to be ticked; one where it is left out. */
  readonly least?: number;
  /** Something beside the ticks was changed. */
  readonly changed?: boolean;
  readonly children?: ComponentChildren;
}

/** Some of a table's columns, ticked and then taken over together. */
export function ColumnTicks(props: TicksProps) {
  const { title, open, legend, names, now, verb, disabled, onChoose, least = 1, changed = false } = props;
  const [chosen, setChosen] = useState<readonly string[]>(now);
  const isNew = changed || chosen.length !== now.length || chosen.some((name) => !now.includes(name));
  const unavailable = unavailableBecause(chosen, isNew, disabled, least);
  const toggle = (name: string, isChosen: boolean) =>
    setChosen(isChosen ? [...chosen, name] : chosen.filter((one) => one !== name));
  return (
    <details open={open}>
      <summary>{title}</summary>
      <fieldset class="ticks" disabled={disabled}>
        <legend>{legend}</legend>
        {names.map((name) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              onChange={(event) => toggle(name, event.currentTarget.checked)}
            />
            {name}
          </label>
        ))}
      </fieldset>
      {props.children}
      <Button kind="plain" small unavailable={unavailable} onClick={() => onChoose([...chosen])}>
        {verb}
      </Button>
    </details>
  );
}

function unavailableBecause(
  chosen: readonly string[],
  isNew: boolean,
  disabled: boolean,
  least: number,
): string | null {
  if (disabled) return 'It cannot be changed now.';
  if (chosen.length < least) return 'Choose at least one column.';
  return isNew ? null : 'Tick or untick a column first.';
}
