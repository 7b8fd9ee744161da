import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { Field, Warehouse } from '#cloud/bigquery';
import type { giveFeedback } from '#core/api/recommend';
import type { Log } from '#runtime/log';
import { openRowLog, type Grace } from './row-log.ts';

type Feedback = z.output<typeof giveFeedback.body>;

/** Where what became of recommendations is kept: a table beside the log of predictions. */
export interface FeedbackLog {
  /** Keeps `feedback`, said by `actor` at `now` (a Moment). @returns how many outcomes it holds */
  add(feedback: Feedback, actor: string, now: string): number;
  close(): Promise<void>;
}

export const FEEDBACK_TABLE = 'feedback';

const FIELDS: readonly Field[] = [
  { name: 'id', type: 'STRING', description: 'The same for the same outcome said again' },
  { name: 'recommendation_id', type: 'STRING', description: 'Of the predictions' },
  { name: 'at', type: 'TIMESTAMP' },
  { name: 'outcome', type: 'STRING', description: 'shown, clicked, ordered or dismissed' },
  { name: 'item', type: 'STRING', description: 'Null: the whole list' },
  { name: 'quantity', type: 'FLOAT64' },
  { name: 'actor', type: 'STRING', description: 'Who said it' },
];

/** The log into `dataset`. */
export function openFeedbackLog(warehouse: Warehouse, dataset: string, log: Log, grace?: Grace): FeedbackLog {
  const rows = openRowLog(warehouse, { dataset, table: FEEDBACK_TABLE }, FIELDS, 'feedback', log, grace);
  return {
    add({ recommendationId, outcomes }, actor, now) {
      for (const { outcome, item, quantity, at } of outcomes) {
        // Without a time of its own an outcome happens once to an item of a recommendation.
        const id = createHash('sha256')
          .update(JSON.stringify([recommendationId, outcome, item, quantity, at ?? null]))
          .digest('hex')
          .slice(0, 40);
        rows.add(id, {
          id,
          recommendation_id: recommendationId,
          at: at ?? now,
          outcome,
          item,
          quantity,
          actor,
        });
      }
      return outcomes.length;
    },
    close: () => rows.close(),
  };
}
