import { z } from 'zod';
import { AuditRecord, AuditVerification } from '../audit.ts';
import { contract, listQuery, pageOf } from './contract.ts';

export const listAudit = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/audit',
  access: 'read-audit',
  summary: 'Who did what, and who was refused; newest first.',
  query: listQuery(
    {
      action: z.string().max(200).optional(),
      actor: z.string().max(200).optional(),
      outcome: AuditRecord.shape.outcome.optional(),
      target: z.string().max(1000).optional(),
    },
    ['at'],
  ).omit({ deleted: true }),
  answer: pageOf(AuditRecord),
});

export const verifyAudit = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/audit/verification',
  access: 'read-audit',
  summary: 'Whether the audit is as it was sealed: from a block on, the first thing that is not is named.',
  query: z.strictObject({ from: z.coerce.number().int().min(1).max(1e9).default(1) }),
  answer: AuditVerification,
  rate: 'trigger',
});
