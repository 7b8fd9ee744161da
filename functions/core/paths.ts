/** Every Firestore path, once. Ids were checked at the edge; a path never comes from a client. */
export const paths = {
  tenants: 'tenants',
  tenant: (t: string) => `tenants/${t}`,
  members: (t: string) => `tenants/${t}/members`,
  member: (t: string, uid: string) => `tenants/${t}/members/${uid}`,
  invitations: (t: string) => `tenants/${t}/invitations`,
  invitation: (t: string, id: string) => `tenants/${t}/invitations/${id}`,
  apiKeys: (t: string) => `tenants/${t}/apiKeys`,
  apiKey: (t: string, id: string) => `tenants/${t}/apiKeys/${id}`,
  /** Which key a token is, by the token's hash: the only way from a token to its tenant. */
  keyHash: (hash: string) => `keyHashes/${hash}`,
  /** Who did what: entries, and the blocks that chain them so that none can be changed or removed unseen. */
  audits: (t: string) => `tenants/${t}/audit`,
  audit: (t: string, id: string) => `tenants/${t}/audit/${id}`,
  auditBlocks: (t: string) => `tenants/${t}/auditBlocks`,
  auditBlock: (t: string, number: number) => `tenants/${t}/auditBlocks/b${String(number).padStart(10, '0')}`,
  /** Where alerts go, and what became of each message. */
  alertChannels: (t: string) => `tenants/${t}/alertChannels`,
  alertChannel: (t: string, c: string) => `tenants/${t}/alertChannels/${c}`,
  alertDeliveries: (t: string) => `tenants/${t}/alertDeliveries`,
  alertDelivery: (t: string, d: string) => `tenants/${t}/alertDeliveries/${d}`,
  /** A tenant's configuration and history as one file, written for its owner, or read back in. */
  exports: (t: string) => `tenants/${t}/exports`,
  export: (t: string, id: string) => `tenants/${t}/exports/${id}`,
  imports: (t: string) => `tenants/${t}/imports`,
  import: (t: string, id: string) => `tenants/${t}/imports/${id}`,
  usage: (t: string, month: string) => `tenants/${t}/usage/${month}`,
  /** What one run used: a document each, so that writing it again changes nothing. */
  runUsages: (t: string, month: string) => `tenants/${t}/usage/${month}/runs`,
  runUsage: (t: string, month: string, run: string) => `tenants/${t}/usage/${month}/runs/${run}`,
  /** What is left of a tenant's or person's rate limit. */
  rateLimit: (t: string, bucket: string) => `rateLimits/${t}~${bucket}`,
  /** The answer to a call that carried an Idempotency-Key. */
  idempotency: (id: string) => `idempotency/${id}`,
  /** People who run the installation. */
  operators: 'operators',
  operator: (uid: string) => `operators/${uid}`,
  deadLetters: 'deadLetters',
  deadLetter: (id: string) => `deadLetters/${id}`,
  /** The deletion of a tenant: how far it has come, and its certificate once nothing is left. */
  deletions: 'deletions',
  deletion: (t: string) => `deletions/${t}`,
  models: (t: string) => `tenants/${t}/models`,
  model: (t: string, m: string) => `tenants/${t}/models/${m}`,
  sources: (t: string, m: string) => `tenants/${t}/models/${m}/sources`,
  source: (t: string, m: string, s: string) => `tenants/${t}/models/${m}/sources/${s}`,
  sourceTables: (t: string, m: string, s: string) => `tenants/${t}/models/${m}/sources/${s}/tables`,
  sourceTable: (t: string, m: string, s: string, id: string) =>
    `tenants/${t}/models/${m}/sources/${s}/tables/${id}`,
  connectionTests: (t: string, m: string) => `tenants/${t}/models/${m}/connectionTests`,
  connectionTest: (t: string, m: string, id: string) => `tenants/${t}/models/${m}/connectionTests/${id}`,
  etlRuns: (t: string, m: string) => `tenants/${t}/models/${m}/etlRuns`,
  etlRun: (t: string, m: string, r: string) => `tenants/${t}/models/${m}/etlRuns/${r}`,
  etlTables: (t: string, m: string, r: string) => `tenants/${t}/models/${m}/etlRuns/${r}/tables`,
  etlTable: (t: string, m: string, r: string, id: string) =>
    `tenants/${t}/models/${m}/etlRuns/${r}/tables/${id}`,
  etlUnits: (t: string, m: string, r: string) => `tenants/${t}/models/${m}/etlRuns/${r}/units`,
  etlUnit: (t: string, m: string, r: string, u: string) => `tenants/${t}/models/${m}/etlRuns/${r}/units/${u}`,
  /** What the coordinator has decided of a table in a run. */
  etlPlans: (run: string) => `${run}/plans`,
  etlPlan: (run: string, table: string) => `${run}/plans/${table}`,
  /** The snapshots that are read now. */
  etlEpoch: (run: string) => `${run}/lease/epoch`,
  /** Connections that the run's tasks hold of a source. */
  etlSource: (run: string, source: string) => `${run}/lease/source-${source}`,
  datasets: (t: string, m: string) => `tenants/${t}/models/${m}/datasets`,
  dataset: (t: string, m: string, d: string) => `tenants/${t}/models/${m}/datasets/${d}`,
  schedules: (t: string, m: string) => `tenants/${t}/models/${m}/schedules`,
  schedule: (t: string, m: string, s: string) => `tenants/${t}/models/${m}/schedules/${s}`,
  /** What became of each occasion of a schedule. */
  firings: (t: string, m: string, s: string) => `tenants/${t}/models/${m}/schedules/${s}/firings`,
  firing: (t: string, m: string, s: string, f: string) =>
    `tenants/${t}/models/${m}/schedules/${s}/firings/${f}`,
  /** Whether each of a model's subjects is healthy, and each change of that. */
  alertStates: (t: string, m: string) => `tenants/${t}/models/${m}/alertStates`,
  alertState: (t: string, m: string, subject: string) => `tenants/${t}/models/${m}/alertStates/${subject}`,
  alerts: (t: string, m: string) => `tenants/${t}/models/${m}/alerts`,
  alert: (t: string, m: string, a: string) => `tenants/${t}/models/${m}/alerts/${a}`,
  pipelineConfigs: (t: string, m: string) => `tenants/${t}/models/${m}/pipelineConfigs`,
  pipelineConfig: (t: string, m: string, c: string) => `tenants/${t}/models/${m}/pipelineConfigs/${c}`,
  pipelineRuns: (t: string, m: string) => `tenants/${t}/models/${m}/pipelineRuns`,
  pipelineRun: (t: string, m: string, r: string) => `tenants/${t}/models/${m}/pipelineRuns/${r}`,
  versions: (t: string, m: string) => `tenants/${t}/models/${m}/versions`,
  version: (t: string, m: string, v: string) => `tenants/${t}/models/${m}/versions/${v}`,
  /** Taken by the version that has this number. */
  versionNumber: (t: string, m: string, n: number) => `tenants/${t}/models/${m}/versionNumbers/${n}`,
  /** The version that an alias (`champion`, `challenger`) names now. */
  aliases: (t: string, m: string) => `tenants/${t}/models/${m}/aliases`,
  alias: (t: string, m: string, alias: string) => `tenants/${t}/models/${m}/aliases/${alias}`,
  deployments: (t: string, m: string) => `tenants/${t}/models/${m}/deployments`,
  deployment: (t: string, m: string, d: string) => `tenants/${t}/models/${m}/deployments/${d}`,
  /** What the instances of a deployment's revisions have answered: one document per instance. */
  health: (deployment: string) => `${deployment}/health`,
  /** At most one active run of a kind per model: the document that says which. */
  lock: (t: string, m: string, kind: 'etl' | 'pipeline' | 'deployment') =>
    `tenants/${t}/models/${m}/locks/${kind}`,
  /** At most one run of a kind waits for the active one to end: the document that says which. */
  waiting: (t: string, m: string, kind: 'etl' | 'pipeline') =>
    `tenants/${t}/models/${m}/locks/${kind}-waiting`,
  /** Why a run that a message asked for was not started, kept for eight days. */
  startRefusal: (t: string, m: string, r: string) => `tenants/${t}/models/${m}/startRefusals/${r}`,
  /** The lease on a run's work; renewed while it is done. */
  lease: (run: string) => `${run}/lease/work`,
  /** Looks at the run that failed, as long as they do. */
  trouble: (run: string) => `${run}/lease/trouble`,
  /** Live counts of a run, one document per task: never the documents that guard transitions. */
  progress: (run: string, task: number) => `${run}/progress/${task}`,
  logs: (run: string) => `${run}/logs`,
  outbox: 'outbox',
  outboxEntry: (id: string) => `outbox/${id}`,
  claim: (id: string) => `claims/${id}`,
  /** Runs that are not over, for the watchdog: id = the run's path with slashes turned to `~`. */
  watch: 'watch',
  watched: (path: string) => `watch/${path.replaceAll('/', '~')}`,
  /** Tenants' data keys and secrets: named by no rule, readable by no client. */
  sealedAll: 'sealed',
  sealed: (id: string) => `sealed/${id}`,
} as const;
