import { useState } from 'preact/hooks';
import { startDeployment } from '#core/api/deployments';
import { type Deployment, deploymentCycle } from '#core/deployment';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import { Version } from '#core/version';
import { api } from '../../api.ts';
import { useLiveList, valueOf } from '../../live.ts';
import { to } from '../../paths.ts';
import { allowed } from '../../session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { bytes, counted, metric } from '../../ui/format.ts';
import { Ago } from '../../ui/moment.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Empty, Failure, RecordedFailure, Shown } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';
import type { ModelState } from './facts.ts';
import { READ_ONLY } from './sources-section.tsx';

export function DeploymentSection({ state }: { readonly state: ModelState }) {
  const { tenant, id: model } = state;
  const versions = useLiveList(paths.versions(tenant, model), Version, { by: 'newest', limit: 20 });
  const deployments = valueOf(state.deployments, []);
  const live = deployments.find((each) => each.status === 'live');
  const moving = deployments.find((each) => each.status !== 'live' && !isFinal(deploymentCycle, each.status));
  const numberOf = (id: string) => valueOf(versions, []).find((each) => each.id === id)?.number ?? null;
  return (
    <>
      <Panel title="What answers now">
        <Shown of={state.deployments}>
          {() => (
            <div class="stack">
              {live === undefined ? (
                <Empty title="Nothing answers yet">
                  <p>A pipeline run deploys by itself when its version passes the quality gate.</p>
                </Empty>
              ) : (
                <Answering deployment={live} number={numberOf(live.version)} state={state} />
              )}
              {moving !== undefined && (
                <output class="notice">
                  <span>
                    <Badge status={moving.status} /> {versionName(numberOf(moving.version))} is on its way
                    {moving.compared > 0 && `; ${counted(moving.compared, 'list')} compared`}
                    {moving.canary !== null && `; it answers ${moving.canary.percent} % of the requests`}.
                  </span>
                </output>
              )}
            </div>
          )}
        </Shown>
      </Panel>
      <Panel
        title="Versions"
        note="What training runs made. Deploying one leaves the live one answering until the new one is verified."
      >
        <Shown of={versions}>
          {(found) =>
            found.length === 0 ? (
              <Empty title="No version yet">
                <a class="button plain" href={to.model(tenant, model, 'pipeline')}>
                  Train a model
                </a>
              </Empty>
            ) : (
              <ul class="lately">
                {found.map((version) => (
                  <VersionLine
                    key={version.id}
                    state={state}
                    version={version}
                    live={live?.version === version.id}
                    moving={moving !== undefined}
                  />
                ))}
              </ul>
            )
          }
        </Shown>
      </Panel>
      {deployments.length > 0 && (
        <Panel title="History">
          <ul class="lately">
            {deployments.map((each) => (
              <li key={each.id}>
                <Badge status={each.status} /> {versionName(numberOf(each.version))}{' '}
                <span class="quiet">
                  <Ago at={each.createdAt} />
                </span>
                {each.failure !== null && <RecordedFailure failure={each.failure} />}
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}

const versionName = (number: number | null) => (number === null ? 'A version' : `Version ${number}`);

interface AnsweringProps {
  readonly deployment: Deployment;
  readonly number: number | null;
  readonly state: ModelState;
}

function Answering({ deployment, number, state }: AnsweringProps) {
  const [copied, setCopied] = useState(false);
  const url = deployment.url ?? '';
  return (
    <>
      <p class="row">
        <Badge status="live" /> <strong>{versionName(number)}</strong>
        <span class="quiet">
          went live <Ago at={deployment.liveAt ?? deployment.createdAt} /> ·{' '}
          {counted(deployment.compared, 'served list')} compared before
        </span>
      </p>
      <p class="row">
        <code class="url">{url}</code>
        <Button
          kind="plain"
          small
          onClick={() => void navigator.clipboard.writeText(url).then(() => setCopied(true))}
        >
          {copied ? 'Copied' : 'Copy the address'}
        </Button>
        <a class="button small" href={to.model(state.tenant, state.id, 'try')}>
          Try it
        </a>
      </p>
      {deployment.listsFailure !== null && (
        <>
          <p class="quiet">The tables of everybody’s recommendations are not those of this version.</p>
          <RecordedFailure failure={deployment.listsFailure} />
        </>
      )}
    </>
  );
}

interface VersionLineProps {
  readonly state: ModelState;
  readonly version: Version;
  readonly live: boolean;
  readonly moving: boolean;
}

function VersionLine({ state: { tenant, id: model }, version, live, moving }: VersionLineProps) {
  const work = useWork(async () => {
    await api(startDeployment, { params: { tenant, model }, body: { version: version.id } });
  });
  const discover = version.metrics.slots.discover;
  return (
    <li>
      <strong>Version {version.number}</strong>
      <Badge
        status={live ? 'live' : version.gate.passed ? 'passed' : 'rejected'}
        text={live ? 'live' : version.gate.passed ? 'passed the gate' : 'held back'}
      />
      <span class="quiet grow">
        {discover !== undefined && `discover NDCG@10 ${metric(discover.model.ndcg10)} · `}
        {bytes(version.bytes)} · <Ago at={version.createdAt} />
        {!version.gate.passed && <span class="below">{version.gate.reasons.join(' · ')}</span>}
      </span>
      {!live && version.gate.passed && (
        <Button
          kind="plain"
          small
          label={`Deploy version ${version.number}`}
          busy={work.busy}
          unavailable={allowed(tenant, 'deploy') ? (moving ? 'A deployment is under way.' : null) : READ_ONLY}
          onClick={work.run}
        >
          Deploy
        </Button>
      )}
      {work.error !== null && <Failure error={work.error} retry={work.run} />}
    </li>
  );
}
