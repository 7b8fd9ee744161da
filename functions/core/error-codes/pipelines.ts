import type { ErrorEntry } from './entry.ts';

/** Data sets, pipelines, versions and deployments. */
export const PIPELINE_CODES = {
  'model-archived': ['The model is archived: nothing new begins in it.', 'Unarchive it.'],
  'model-deleted': ['The model is deleted.', 'Restore it.'],
  'dataset-invalid': ['The parts of the data set do not fit together.', 'Correct what the message names.'],
  'table-not-loaded': ['A table of the data set is not in the warehouse.', 'Load it first.'],
  'column-unsuitable': ['A column cannot be used for that.', 'Choose another.'],
  'no-lines-left': [
    'No order line is left after cleaning.',
    'Look at the counts by reason, and loosen the cleaning.',
  ],
  'too-little-data': [
    'There are too few customers, items or lines to learn from.',
    'Load more history, or loosen the cleaning.',
  ],
  'history-empty': [
    'No order of the data set has a date.',
    'Look at the data set: which column is the time, and what does the cleaning leave over?',
  ],
  'history-too-short': [
    'The history is too short to hold some of it back.',
    'Load more history, or hold back less.',
  ],
  'too-many-items': [
    'An algorithm does not take so many items.',
    'Leave it out, or items that are hardly sold.',
  ],
  'factors-diverged': [
    'A training has led to numbers that are none.',
    'Raise the regularization, or look for extreme weights in the data.',
  ],
  'memory-exceeded': [
    'A training wants more memory than the kernels can address.',
    'Choose fewer factors, or leave out items that are hardly sold.',
  ],
  'unknown-algorithm': ['There is no algorithm of that name.', 'Choose one that is listed.'],
  'inputs-changed': ['What a stage stood on is another now.', 'Start a new run.'],
  'outputs-gone': ['What an earlier stage made is gone.', 'Start a new run.'],
  'nothing-failed': ['No stage of that run failed.', 'Start a new run.'],
  'stage-not-done': ['A stage before it is not done.', 'Run the whole pipeline.'],
  'run-busy': ['Somebody else is at this run right now.', 'It goes on by itself.'],
  'run-stopping': ['The run is being ended.', 'Wait until it is over.'],
  'may-not-deploy': ['Who started the run may not deploy.', 'Have somebody who may deploy the version.'],
  'snapshot-incomplete': ['A part of the extracted lines is missing.', 'Run it again.'],
  'trainer-died': [
    'The training ended without a word.',
    'Look at its log; give it more memory or a smaller search.',
  ],
  'training-refused': [
    'Vertex AI does not take the training.',
    'Look at the message: quota, region or rights.',
  ],
  'training-unavailable': ['Vertex AI did not answer.', 'It is tried again by itself.'],
  'training-request-invalid': [
    'The trainer was not told what to do.',
    'Run it again; tell support if it goes on.',
  ],
  'artifact-changed': ['The model’s file is not the one that was approved.', 'Train again.'],
  'artifact-damaged': ['The model’s file cannot be read.', 'Train again.'],
  'artifact-incomplete': ['The model’s file lacks a part.', 'Train again.'],
  'artifact-newer': [
    'The model’s file is of a newer version of Tradewind.',
    'Deploy the installation’s newest version.',
  ],
  'version-archived': ['The version is archived.', 'Choose another, or unarchive it.'],
  'version-unapproved': ['The model deploys approved versions only.', 'Approve it.'],
  'version-numbers-busy': ['Several runs wanted a number at once.', 'It is tried again by itself.'],
  'gate-refused': [
    'The version did not pass the quality gate.',
    'Look at its metrics; deploy another, or train again.',
  ],
  'gate-rejected': [
    'The new version is not better than the baselines or what is live.',
    'Look at the metrics; what was live stays live.',
  ],
  'not-enough-evidence': ['There is too little to compare by.', 'Load more history.'],
  'not-answering': ['A deployment that was named does not answer.', 'Name those that are live.'],
  'confirmation-needed': [
    'What is asked would take the model off the air.',
    'Confirm it, as the message says.',
  ],
  'deployment-over': ['The deployment has ended.', 'Deploy again.'],
  'deployment-busy': ['Somebody else is at this deployment right now.', 'It goes on by itself.'],
  'deployment-under-way': ['Another deployment of the model is under way.', 'Wait for its end.'],
  'deployment-stopped': ['The deployment was stopped before it was live.', 'Deploy again if it is wanted.'],
  'nothing-to-restore': ['There is no earlier deployment to go back to.', 'Deploy a version.'],
  'traffic-invalid': [
    'The shares of the requests do not add up.',
    'Name each deployment once, 100 percent together.',
  ],
  'revision-failed': ['The service’s new revision did not start.', 'Look at the last lines of its log.'],
  'revision-failing': [
    'The new revision answers with errors.',
    'Look at its log; the former one stays live.',
  ],
  'revision-crashing': ['The revision’s instances end again and again.', 'Give it more memory.'],
  'revision-silent': [
    'The new revision did not answer the test.',
    'Look at its log; the former one stays live.',
  ],
  'revision-not-ready': [
    'The new revision was not ready within the ten minutes that one may take to start.',
    'Deploy again; if it happens again, look at the service’s log.',
  ],
  'smoke-test-failed': [
    'Served lists differ from what was trained.',
    'Train again; the former deployment stays live.',
  ],
  'canary-errors': ['The canary answered with too many errors and was taken back.', 'Look at its log.'],
  'canary-slow': ['The canary was too slow and was taken back.', 'Give it more memory or instances.'],
} as const satisfies Record<string, ErrorEntry>;
