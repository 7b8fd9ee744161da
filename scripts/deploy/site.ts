import type { Installation } from './installation.ts';
import { gcloud, type Step } from './step.ts';

/** The minute's tick, and what Firebase serves: site, rules, indexes with their time-to-live policies. */
export function siteSteps({ project, region }: Installation, webHash: string): Step[] {
  const at = [`--location=${region}`];
  const tick = [
    '--schedule=* * * * *',
    '--time-zone=Etc/UTC',
    '--topic=tick',
    '--message-body={}',
    '--attributes=topic=tick',
  ];
  return [
    {
      id: 'scheduler/tick',
      what: 'Cloud Scheduler: a message on topic tick every minute (customers’ own schedules are made by the product)',
      check: gcloud(
        project,
        'scheduler',
        'jobs',
        'describe',
        'tradewind-tick',
        ...at,
        '--format=value(schedule,state)',
      ),
      want: '* * * * * ENABLED',
      make: [gcloud(project, 'scheduler', 'jobs', 'create', 'pubsub', 'tradewind-tick', ...at, ...tick)],
      change: [
        gcloud(project, 'scheduler', 'jobs', 'update', 'pubsub', 'tradewind-tick', ...at, ...tick),
        gcloud(project, 'scheduler', 'jobs', 'resume', 'tradewind-tick', ...at),
      ],
    },
    firebase(project, 'firestore:rules', 'rules of Firestore: who may read what'),
    firebase(project, 'firestore:indexes', 'indexes of Firestore, and what goes by itself (time to live)'),
    firebase(
      project,
      'hosting',
      `the site${webHash === '' ? '' : ` (${webHash.slice(0, 16)})`}, with the rewrites of firebase.json`,
    ),
  ];
}

/** Firebase's own tool compares and uploads what differs. */
function firebase(project: string, only: string, what: string): Step {
  return {
    id: `firebase/${only}`,
    what,
    make: [
      {
        program: 'firebase',
        args: ['deploy', `--only=${only}`, `--project=${project}`, '--non-interactive', '--force'],
      },
    ],
  };
}
