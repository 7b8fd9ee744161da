import { Tenant } from '#core/tenant';

/** A tenant's record as it is read, written nowhere: for tests of what asks for one. */
export function acme(id = 't123'): Tenant {
  return Tenant.parse({
    id,
    name: 'Acme',
    plan: 'trial',
    status: 'active',
    cloud: { projectId: 'p', location: 'l', bucket: 'b', datasetPrefix: '' },
    createdAt: '2026-01-01T00:00:00.000Z',
  });
}
