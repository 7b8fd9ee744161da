/** The version a run makes: its id follows from the run's, so that the run makes one however often it concludes. */
export function versionIdOf(run: string): string {
  return `v${run.slice(1)}`;
}
