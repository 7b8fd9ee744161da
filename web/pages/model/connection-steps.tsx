import type { ConnectionTest, TestStep } from '#core/connection-test';
import { Badge, Sign } from '../../ui/badge.tsx';
import { duration } from '../../ui/format.ts';
import { Ago } from '../../ui/moment.tsx';
import { RecordedFailure } from '../../ui/states.tsx';

const NAMES: Readonly<Record<TestStep['name'], string>> = {
  resolve: 'Find the host',
  reach: 'Reach it',
  tunnel: 'Open the SSH tunnel',
  tls: 'Encrypt',
  'sign-in': 'Sign in',
  permissions: 'Permissions',
  read: 'Read one row',
};
const TONE = { passed: 'good', failed: 'bad', skipped: 'idle' } as const;

/** A connection test as it goes, step by step: how long each took and what to do about the one that failed. */
export function TestSteps({ test }: { readonly test: ConnectionTest }) {
  return (
    <details class="test" open={test.status !== 'passed'}>
      <summary>
        Connection test <Badge status={test.status} />{' '}
        <span class="quiet">
          <Ago at={test.createdAt} />
        </span>
      </summary>
      <ol class="steps">
        {test.steps.map((step) => (
          <li key={step.name}>
            <Sign tone={TONE[step.status]} />
            <span class="unseen">{step.status}: </span>
            <div>
              <p>
                <strong>{NAMES[step.name]}</strong>{' '}
                {step.status !== 'skipped' && <span class="quiet">{duration(step.milliseconds)}</span>}
              </p>
              <p class={step.status === 'failed' ? 'wrong' : 'quiet'}>{step.message}</p>
              {step.remedy !== null && <p>{step.remedy}</p>}
            </div>
          </li>
        ))}
      </ol>
      {test.failure !== null && test.steps.every((step) => step.status !== 'failed') && (
        <RecordedFailure failure={test.failure} />
      )}
    </details>
  );
}
