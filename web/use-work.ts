import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Live } from './live.ts';

/** An action a person starts: whether it is under way, and how the last one failed. */
export interface Work<A extends readonly unknown[]> {
  readonly run: (...args: A) => void;
  readonly busy: boolean;
  readonly error: unknown;
  readonly clear: () => void;
}

/** `action` as Work. A second call while one is under way is ignored. */
export function useWork<A extends readonly unknown[]>(action: (...args: A) => Promise<void>): Work<A> {
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  const mounted = useRef(true);
  const running = useRef(false);
  useEffect(() => () => void (mounted.current = false), []);
  const run = (...args: A) => {
    if (running.current) return;
    running.current = true;
    setState({ busy: true, error: null });
    const finish = (error: unknown) => {
      running.current = false;
      if (mounted.current) setState({ busy: false, error });
    };
    action(...args).then(() => finish(null), finish);
  };
  return { run, ...state, clear: () => setState({ busy: false, error: null }) };
}

/** What `load` answers for `key`; asked again when the key changes. A null key asks nothing. */
export function useAnswer<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Live<T> {
  const [attempt, setAttempt] = useState(0);
  const [answer, setAnswer] = useState<{ key: string | null; live: Live<T> }>({
    key,
    live: { state: 'loading' },
  });
  const retry = useCallback(() => setAttempt((n) => n + 1), []);
  useEffect(() => {
    if (key === null) return undefined;
    const abort = new AbortController();
    setAnswer({ key, live: { state: 'loading' } });
    load(abort.signal).then(
      (value) => abort.signal.aborted || setAnswer({ key, live: { state: 'ready', value } }),
      (error: unknown) => abort.signal.aborted || setAnswer({ key, live: { state: 'failed', error, retry } }),
    );
    return () => abort.abort();
  }, [key, attempt]);
  return answer.key === key ? answer.live : { state: 'loading' };
}
