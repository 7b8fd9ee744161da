/** Does `work` again and again with `milliseconds` between, whatever comes of it. @returns what ends that, when nothing is at work */
export function every(milliseconds: number, work: () => Promise<void>): () => Promise<void> {
  const closing = new AbortController();
  const loop = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await work().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
    }
  };
  const ended = loop();
  return () => {
    closing.abort();
    return ended;
  };
}
