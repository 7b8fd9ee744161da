import { credentials } from '@grpc/grpc-js';
import { PassThroughClient } from 'google-auth-library';

/** Client options of a Google gRPC service that answers at `endpoint`; none where it answers at its public address. */
export function grpcOptions(endpoint: string | undefined, projectId: string) {
  if (endpoint === undefined) return { projectId };
  const { hostname, port, protocol } = new URL(endpoint);
  const options = { projectId, apiEndpoint: hostname, port: Number(port || 443) };
  // A plain-text endpoint can only be on the same machine or a service mesh that adds its own transport security.
  return protocol === 'http:' ? { ...options, sslCreds: credentials.createInsecure() } : options;
}

/** Client options of a Google REST service; a plain-text endpoint is asked without a Google access token. */
export function restOptions(endpoint: string | undefined, projectId: string) {
  if (endpoint === undefined) return { projectId };
  return endpoint.startsWith('http:')
    ? { projectId, apiEndpoint: endpoint, authClient: new PassThroughClient() }
    : { projectId, apiEndpoint: endpoint };
}

/** Where a client works. */
interface Place {
  readonly projectId: string;
  readonly location: string;
}

/**
 * `open` once per place and endpoint in a process. A gRPC client keeps a channel, and making one reads every definition
 * of its service: a second of processor time for Vertex AI.
 */
export function oncePerPlace<P extends Place, T>(
  endpointOf: (place: P) => string | undefined,
  open: (place: P) => T,
): (place: P) => T {
  const opened = new Map<string, T>();
  return (place) => {
    const key = JSON.stringify([place.projectId, place.location, endpointOf(place)]);
    const known = opened.get(key);
    if (known !== undefined) return known;
    const made = open(place);
    opened.set(key, made);
    return made;
  };
}
