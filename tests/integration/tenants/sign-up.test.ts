import { createModel, getModel, listModels } from '#core/api/models';
import { createTenant, getTenant, listTenants } from '#core/api/tenants';
import { listSourceTables, updateSourceTable } from '#core/api/sources';
import { openAccount, refusalOf, signUpPerson } from '#tests/account';

test('a person signs up, owns the tenant, and sees it and nobody else’s', async () => {
  const anna = await signUpPerson();
  const ben = await signUpPerson();
  expect(await anna.call(listTenants)).toEqual({ items: [] });
  const mine = await anna.call(createTenant, { body: { name: '  Anna & Söhne  ' } });
  expect(mine).toMatchObject({ name: 'Anna & Söhne', role: 'owner', status: 'active', plan: 'trial' });
  expect(mine).not.toHaveProperty('cloud');
  expect(await anna.call(listTenants)).toEqual({ items: [mine] });
  expect(await anna.call(getTenant, { params: { tenant: mine.id } })).toEqual(mine);

  expect(await ben.call(listTenants)).toEqual({ items: [] });
  const foreign = await refusalOf(ben.call(getTenant, { params: { tenant: mine.id } }));
  const unknown = await refusalOf(ben.call(getTenant, { params: { tenant: 'tnothere' } }));
  expect(foreign).toMatchObject({ status: 404, code: 'not-found' });
  expect(unknown).toMatchObject({ status: 404, code: 'not-found' });
});

test('models belong to their tenant', async () => {
  const account = await openAccount();
  const { tenant } = account.params;
  const second = await account.call(createModel, {
    params: { tenant },
    body: { name: 'Second', description: 'for the branch' },
  });
  expect(second).toMatchObject({ status: 'draft', liveDeployment: null });
  const { items } = await account.call(listModels, { params: { tenant }, query: {} });
  expect(items.map(({ name }) => name)).toEqual(['Second', 'Model']);

  const other = await openAccount();
  const foreign = await refusalOf(
    other.call(getModel, { params: { tenant: other.params.tenant, model: second.id } }),
  );
  expect(foreign).toMatchObject({ status: 404, code: 'not-found' });
  expect(foreign.detail).toContain(second.id);
});

test('a name that is none is refused with the reason', async () => {
  const anna = await signUpPerson();
  const refusal = await refusalOf(anna.call(createTenant, { body: { name: 'a\u0000b' } }));
  expect(refusal).toMatchObject({ status: 422, code: 'invalid-input' });
  expect(refusal.issues).toMatchObject([{ path: 'name' }]);
});

test('tables of a source that is not there are not there', async () => {
  const account = await openAccount();
  const params = { ...account.params, source: 'snothere' };
  expect(await refusalOf(account.call(listSourceTables, { params }))).toMatchObject({ status: 404 });
  const change = account.call(updateSourceTable, {
    params: { ...params, table: 'tnothere' },
    body: { enabled: true },
  });
  expect(await refusalOf(change)).toMatchObject({ status: 404 });
});
