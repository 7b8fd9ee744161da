import { useEffect, useRef, useState } from 'preact/hooks';
import { startConnectionTest } from '#core/api/connection-tests';
import { discoverTables } from '#core/api/sources';
import { ConnectionTest } from '#core/connection-test';
import { paths } from '#core/paths';
import { CURSOR_TYPES, signsInWith, type Source } from '#core/source';
import { api } from '../../api.ts';
import { useLiveList, valueOf } from '../../live.ts';
import { allowed } from '../../session.ts';
import { Button } from '../../ui/button.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Empty, Failure, Shown } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';
import { AddSource } from './add-source.tsx';
import { ChangeKey } from './change-key.tsx';
import { ChangeLimits } from './change-limits.tsx';
import { ChangePassword } from './change-password.tsx';
import { ConfirmHostKey } from './confirm-host-key.tsx';
import { TestSteps } from './connection-steps.tsx';
import { SERVERS } from './connection-string.ts';
import type { ModelState } from './facts.ts';
import { SourceTables } from './source-tables.tsx';

export const READ_ONLY = 'Your role can look but not change; ask an owner or editor.';

export function SourcesSection({ state }: { readonly state: ModelState }) {
  const [adding, setAdding] = useState(false);
  const tests = useLiveList(paths.connectionTests(state.tenant, state.id), ConnectionTest, {
    by: 'newest',
    limit: 50,
  });
  const add = (
    <Button onClick={() => setAdding(true)} unavailable={allowed(state.tenant, 'edit') ? null : READ_ONLY}>
      Add a source
    </Button>
  );
  return (
    <>
      {adding && <AddSource tenant={state.tenant} model={state.id} close={() => setAdding(false)} />}
      <Shown of={state.sources}>
        {(sources) =>
          sources.length === 0 && !adding ? (
            <Empty title="No source yet">
              <p>
                A source is where your orders are: a PostgreSQL, MySQL, MariaDB or SQL Server database,
                BigQuery, or CSV or Parquet files.
              </p>
              {add}
            </Empty>
          ) : (
            <>
              {sources.map((source) => (
                <SourcePanel
                  key={source.id}
                  state={state}
                  source={source}
                  test={valueOf(tests, []).find((test) => test.source === source.id) ?? null}
                />
              ))}
              {!adding && add}
            </>
          )
        }
      </Shown>
    </>
  );
}

interface SourcePanelProps {
  readonly state: ModelState;
  readonly source: Source;
  readonly test: ConnectionTest | null;
}

function SourcePanel({ state: { tenant, id: model }, source, test }: SourcePanelProps) {
  const params = { tenant, model };
  const unavailable = allowed(tenant, 'edit') ? null : READ_ONLY;
  const testing = useWork(async () => {
    await api(startConnectionTest, {
      params,
      body: { source: source.id },
    });
  });
  const reading = useWork(async () => {
    await api(discoverTables, { params: { ...params, source: source.id } });
  });
  // A test that has just passed is followed by what a person would do next; one of long ago is not.
  const opened = useRef(Date.now());
  const followed = useRef('');
  useEffect(() => {
    if (test?.status !== 'passed' || followed.current === test.id || unavailable !== null) return;
    followed.current = test.id;
    if (Date.parse(test.createdAt) > opened.current - 30_000) reading.run();
  }, [test?.id, test?.status]);
  const [changing, setChanging] = useState(false);
  const [limiting, setLimiting] = useState(false);
  const limited = 'uris' in source.settings ? null : source.settings;
  const secret = signsInWith(source.settings);
  const running = test !== null && (test.status === 'queued' || test.status === 'running');
  return (
    <Panel
      title={source.name}
      note={placeOf(source)}
      aside={
        <>
          <Button
            kind="plain"
            small
            busy={testing.busy || running}
            unavailable={unavailable}
            onClick={testing.run}
          >
            Test the connection
          </Button>
          <Button kind="plain" small busy={reading.busy} unavailable={unavailable} onClick={reading.run}>
            Read the tables
          </Button>
          {secret !== null && !changing && (
            <Button kind="plain" small unavailable={unavailable} onClick={() => setChanging(true)}>
              Change the {secret}
            </Button>
          )}
          {limited !== null && !limiting && (
            <Button kind="plain" small unavailable={unavailable} onClick={() => setLimiting(true)}>
              Change the limits
            </Button>
          )}
        </>
      }
    >
      {changing && secret === 'password' && (
        <ChangePassword
          tenant={tenant}
          model={model}
          source={source.id}
          way={wayOf(source)}
          close={() => setChanging(false)}
        />
      )}
      {changing && secret === 'key' && (
        <ChangeKey tenant={tenant} model={model} source={source.id} close={() => setChanging(false)} />
      )}
      {limiting && limited !== null && (
        <ChangeLimits
          tenant={tenant}
          model={model}
          source={source.id}
          settings={limited}
          close={() => setLimiting(false)}
        />
      )}
      {testing.error !== null && <Failure error={testing.error} retry={testing.run} />}
      {reading.error !== null && <Failure error={reading.error} retry={reading.run} />}
      {test !== null && <TestSteps test={test} />}
      {test !== null && (
        <ConfirmHostKey tenant={tenant} model={model} source={source} test={test} unavailable={unavailable} />
      )}
      <SourceTables
        tenant={tenant}
        model={model}
        source={source.id}
        cursorTypes={CURSOR_TYPES[source.settings.kind]}
        unavailable={unavailable}
      />
    </Panel>
  );
}

function wayOf({ settings }: Source): 'tunnel' | 'cloud-sql' | null {
  if (!('host' in settings)) return null;
  if (settings.tunnel !== undefined) return 'tunnel';
  return settings.cloudSql === undefined ? null : 'cloud-sql';
}

function placeOf({ settings, credentialsSetAt }: Source): string {
  if ('dataset' in settings) {
    const how = credentialsSetAt === null ? 'without a key' : 'with a key';
    return `BigQuery · ${settings.project}.${settings.dataset} · ${how}`;
  }
  if ('uris' in settings) {
    const names = settings.uris.map((uri) => (uri.includes('*') ? uri : uri.split('/').at(-1)));
    return `${settings.kind === 'csv' ? 'CSV' : 'Parquet'} · ${names.join(', ')}`;
  }
  const { tunnel, cloudSql } = settings;
  if (cloudSql !== undefined)
    return `${SERVERS[settings.kind].label} · ${settings.user} in ${settings.database} of Cloud SQL ${settings.host} · ${cloudSql.address} address`;
  const through = tunnel === undefined ? '' : ` · through ${tunnel.user}@${tunnel.host}:${tunnel.port}`;
  return `${SERVERS[settings.kind].label} · ${settings.user}@${settings.host}:${settings.port}/${settings.database} · TLS ${settings.sslMode}${through}`;
}
