import { openWarehouse } from '#cloud/bigquery';
import { openFiles } from '#cloud/storage';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { mustRead } from '#store/document';
import { failImport, runImport } from './import.ts';

export const deploy = eventDeploy('tenant-import-requested', { timeoutSeconds: 540 });

export const handler = onEvent('tenants-import-requested', 'tenant-import-requested', {
  async handle({ tenant, import: id }, { store, config: { projectId, endpoints } }) {
    const { value } = await mustRead(store, paths.tenant(tenant), Tenant, 'tenant');
    const warehouse = openWarehouse({ ...value.cloud, endpoints });
    await runImport(store, openFiles(projectId), warehouse, value, id);
  },
  fail: ({ tenant, import: id }, failure, { store }) => failImport(store, tenant, id, failure),
});
