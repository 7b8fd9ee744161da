import { useEffect, useRef, useState } from 'preact/hooks';
import { LogChunk, Severity } from '#core/log';
import { paths } from '#core/paths';
import { useLiveList } from '../../live.ts';
import { Choice } from '../../ui/field.tsx';
import { Scroll } from '../../ui/scroll.tsx';
import { Shown } from '../../ui/states.tsx';

type Level = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
const LEVELS: readonly (readonly [Level, string])[] = [
  ['DEBUG', 'everything'],
  ['INFO', 'information and worse'],
  ['WARNING', 'warnings and errors'],
  ['ERROR', 'errors'],
];

/** The log of the run at document path `run`, as it is written. */
export function RunLog({ run }: { readonly run: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Log</summary>
      {open && <Lines run={run} />}
    </details>
  );
}

function Lines({ run }: { readonly run: string }) {
  const [least, setLeast] = useState<Level>('INFO');
  const chunks = useLiveList(paths.logs(run), LogChunk, { limit: 500 });
  const view = useRef<HTMLElement>(null);
  const order = Severity.options;
  const lines =
    chunks.state === 'ready'
      ? chunks.value
          .flatMap((chunk) => chunk.lines)
          .filter((line) => order.indexOf(line.severity) >= order.indexOf(least))
          .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
      : [];
  // The newest line is followed unless the reader has scrolled up.
  const followed = useRef(true);
  useEffect(() => {
    if (followed.current) view.current?.scrollTo({ top: view.current.scrollHeight });
  }, [lines.length]);
  return (
    <Shown of={chunks}>
      {() => (
        <div class="stack">
          <Choice bare label="Show" value={least} options={LEVELS} onChange={setLeast} />
          <Scroll
            kind="log"
            label="Log lines"
            box={view}
            onScroll={(box) => (followed.current = box.scrollHeight - box.scrollTop - box.clientHeight < 40)}
          >
            {lines.length === 0 && <p class="quiet">Nothing was said yet.</p>}
            {lines.map((line, index) => (
              <p key={index} class={line.severity.toLowerCase()}>
                <time dateTime={line.at}>{line.at.slice(11, 23)}</time> <b>{line.severity}</b>{' '}
                <span class="quiet">{line.source}</span> {line.message}
              </p>
            ))}
          </Scroll>
        </div>
      )}
    </Shown>
  );
}
