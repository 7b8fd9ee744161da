import type { makeClient } from '#core/api/client';
import { createModel, listModels } from '#core/api/models';
import { createTenant, listTenants } from '#core/api/tenants';

/** Calls any contract of the API. */
export type Call = ReturnType<typeof makeClient>;

/** Whose model the main job works on, as the API's paths name it. */
export interface ModelPlace {
  readonly tenant: string;
  readonly model: string;
}

/** A client signed in, with its place. */
export interface Session {
  readonly call: Call;
  readonly at: ModelPlace;
  /** Aborted when the person has had enough. */
  readonly signal: AbortSignal;
}

/** The caller's tenant `tenantName` and its model `modelName`, made where they are missing. */
export async function openModel(call: Call, tenantName: string, modelName: string): Promise<ModelPlace> {
  const mine = await call(listTenants);
  const tenant =
    mine.items.find(({ name }) => name === tenantName) ??
    (await call(createTenant, { body: { name: tenantName } }));
  const params = { tenant: tenant.id };
  const models = await call(listModels, { params, query: { limit: 200 } });
  const model =
    models.items.find(({ name }) => name === modelName) ??
    (await call(createModel, { params, body: { name: modelName } }));
  return { tenant: tenant.id, model: model.id };
}
