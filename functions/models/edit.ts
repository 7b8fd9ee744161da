import { Model, modelCycle, statusWith } from '#core/model';
import { paths } from '#core/paths';
import { edit, given, move, type Resource } from '#store/resource';
import type { ModelKey } from '#store/source-access';
import type { Store } from '#store/store';

/** A model as an editable noun. */
export function resourceOf({ tenant, model }: ModelKey): Resource<Model> {
  return { path: paths.model(tenant, model), schema: Model, what: 'model', noun: 'model' };
}

/** Changes what is given; the rest stays. @throws TerminalError `not-found`, `conflict` */
export function change(
  store: Store,
  key: ModelKey,
  actor: string,
  wanted: {
    readonly name?: string | undefined;
    readonly description?: string | undefined;
    readonly requireApproval?: boolean | undefined;
    readonly publishTogether?: boolean | undefined;
    readonly expectedUpdatedAt?: string | undefined;
  },
): Promise<Model> {
  const { expectedUpdatedAt, ...parts } = wanted;
  return edit(store, resourceOf(key), { tenant: key.tenant, actor }, expectedUpdatedAt, () => ({
    patch: given(parts),
  }));
}

/** Lets nothing new begin in the model. What runs goes on to its end, what answers goes on answering. */
export function archive(store: Store, key: ModelKey, actor: string): Promise<Model> {
  return move(store, resourceOf(key), { tenant: key.tenant, actor }, modelCycle, 'archive');
}

/** Takes the model out of the archive: active where a deployment answers, else a draft. Elsewhere nothing happens. */
export function unarchive(store: Store, key: ModelKey, actor: string): Promise<Model> {
  return edit(
    store,
    resourceOf(key),
    { tenant: key.tenant, actor },
    undefined,
    ({ status, liveDeployment }) => ({
      patch:
        status === 'archived'
          ? { status: statusWith(modelCycle.archived.unarchive ?? status, liveDeployment) }
          : {},
    }),
    'unarchive',
  );
}
