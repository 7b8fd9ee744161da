/** The numeric code of a Google client's error: gRPC's, or the HTTP status of a REST call; 0 where it has none. */
export function codeOf(error: unknown): number {
  return error instanceof Error && 'code' in error ? Number(error.code) : 0;
}
