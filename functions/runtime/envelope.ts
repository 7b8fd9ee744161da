import { z } from 'zod';
import { REQUEST_ID } from './request.ts';

/** A Pub/Sub message in its Eventarc envelope. */
export const Envelope = z.object({
  message: z.object({
    data: z.string().default(''),
    messageId: z.string().min(1),
    publishTime: z.string().optional(),
    attributes: z.record(z.string(), z.string()).nullish(),
  }),
});
export type Message = z.output<typeof Envelope>['message'];

/** The message's data as text. */
export function textOf(message: Message): string {
  return Buffer.from(message.data, 'base64').toString('utf8');
}

/** The request that the message goes back to, where it says so. */
export function requestOf(message: Message): string | null {
  const given = message.attributes?.['requestId'];
  return given !== undefined && REQUEST_ID.test(given) ? given : null;
}
