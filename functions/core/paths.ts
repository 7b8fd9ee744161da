/** Every Firestore path, once. Ids were checked at the edge; a path never comes from a client. */
export const paths = {
  tenants: 'tenants',
  tenant: (t: string) => `tenants/${t}`,
  members: (t: string) => `tenants/${t}/members`,
  member: (t: string, uid: string) => `tenants/${t}/members/${uid}`,
  audit: (t: string, id: string) => `tenants/${t}/audit/${id}`,
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
  datasets: (t: string, m: string) => `tenants/${t}/models/${m}/datasets`,
  dataset: (t: string, m: string, d: string) => `tenants/${t}/models/${m}/datasets/${d}`,
  pipelineConfigs: (t: string, m: string) => `tenants/${t}/models/${m}/pipelineConfigs`,
  pipelineConfig: (t: string, m: string, c: string) => `tenants/${t}/models/${m}/pipelineConfigs/${c}`,
  pipelineRuns: (t: string, m: string) => `tenants/${t}/models/${m}/pipelineRuns`,
  pipelineRun: (t: string, m: string, r: string) => `tenants/${t}/models/${m}/pipelineRuns/${r}`,
  versions: (t: string, m: string) => `tenants/${t}/models/${m}/versions`,
  version: (t: string, m: string, v: string) => `tenants/${t}/models/${m}/versions/${v}`,
  /** Taken by the version that has this number. */
  versionNumber: (t: string, m: string, n: number) => `tenants/${t}/models/${m}/versionNumbers/${n}`,
  deployments: (t: string, m: string) => `tenants/${t}/models/${m}/deployments`,
  deployment: (t: string, m: string, d: string) => `tenants/${t}/models/${m}/deployments/${d}`,
  /** At most one active run of a kind per model: the document that says which. */
  lock: (t: string, m: string, kind: 'etl' | 'pipeline' | 'deployment') =>
    `tenants/${t}/models/${m}/locks/${kind}`,
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
  sealed: (id: string) => `sealed/${id}`,
} as const;
