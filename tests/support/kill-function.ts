/* `node kill-function.ts BUNDLE`: one delivery of one message to an event function, as the platform makes it; the event on stdin. */
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const entry: unknown = createRequire(import.meta.url)(process.argv[2] ?? '');
// Every event function's entry exports its handler, which takes the CloudEvent.
const { handler } = entry as { handler: (event: unknown) => Promise<void> };
try {
  await handler(JSON.parse(await text(process.stdin)));
  process.exit(0);
} catch {
  // Pub/Sub sends it again.
  process.exit(1);
}
