import { openFiles } from '#cloud/storage';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { mustRead } from '#store/document';
import { failExport, writeExport } from './export.ts';

export const deploy = eventDeploy('tenant-export-requested', { timeoutSeconds: 540 });

export const handler = onEvent('tenants-export-requested', 'tenant-export-requested', {
  async handle({ tenant, export: id }, { store, config }) {
    const { value } = await mustRead(store, paths.tenant(tenant), Tenant, 'tenant');
    await writeExport(store, openFiles(config.projectId), value, id);
  },
  fail: ({ tenant, export: id }, failure, { store }) => failExport(store, tenant, id, failure),
});
