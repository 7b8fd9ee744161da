import { openFiles } from '#cloud/storage';
import type { AuditPlace } from '#store/audit-chain';
import type { Config } from './config.ts';

/** What the audits of this installation are sealed with and verified by. */
export function auditPlaceOf({
  bucket,
  projectId,
  installationKeys,
}: Pick<Config, 'bucket' | 'projectId' | 'installationKeys'>): AuditPlace {
  return { bucket, files: openFiles(projectId), installationKeys };
}
