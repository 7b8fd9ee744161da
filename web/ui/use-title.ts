import { useEffect } from 'preact/hooks';

/** The tab's title; the most telling part first. */
export function useTitle(...parts: readonly string[]): void {
  const title = [...parts, 'Tradewind'].filter((part) => part !== '').join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
