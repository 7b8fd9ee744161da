import { toError } from '#core/errors';
import { auditPlaceOf } from '#runtime/audit-place';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { sealAudits } from '#store/audit-chain';

export const deploy = eventDeploy('tick', { timeoutSeconds: 300 });

export const handler = onEvent('audit-seal', 'tick', {
  async handle(_, { store, config, log }) {
    const { failures } = await sealAudits(store, auditPlaceOf(config));
    for (const { tenant, error } of failures)
      log.error('audit not sealed', { tenant, error: toError(error).message });
  },
  // The next tick seals what this one could not.
  fail: () => Promise.resolve(),
});
