import { status } from '@grpc/grpc-js';
import type { ServerUnaryCall, UntypedHandleCall, sendUnaryData } from '@grpc/grpc-js';
import { toError } from '#core/errors';

/** A refusal with the status a caller of the real service would get. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: status;
  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/** `NOT_FOUND` for a resource by its full name. */
export function notFound(resource: string): RpcError {
  return new RpcError(status.NOT_FOUND, `Resource '${resource}' was not found.`);
}

/** `INVALID_ARGUMENT`, naming the field and the value. */
export function invalid(message: string): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, message);
}

/** `value`, or NOT_FOUND for `resource`. */
export function found<T>(value: T | undefined, resource: string): T {
  if (value === undefined) throw notFound(resource);
  return value;
}

/**
 * A gRPC method from a function of its request; what it throws becomes the call's status.
 * `never` lets each handler name its own request type: the proto's definition has decoded the bytes into just that,
 * which is also why the assertion below holds.
 */
export function unary<Answer>(handle: (request: never) => Answer | Promise<Answer>): UntypedHandleCall {
  return (call: ServerUnaryCall<unknown, Answer>, callback: sendUnaryData<Answer>) => {
    void (async () => {
      try {
        callback(null, await handle(call.request as never));
      } catch (thrown) {
        const error = toError(thrown);
        const code = error instanceof RpcError ? error.code : status.INTERNAL;
        if (code === status.INTERNAL) console.error(error);
        callback({ code, details: error.message });
      }
    })();
  };
}

/** One page of `all`, which must come in a stable order; tokens are offsets. */
export function page<T>(
  all: readonly T[],
  request: { pageSize?: number | null; pageToken?: string | null },
  largest = 100,
): { items: T[]; nextPageToken: string } {
  const from = Number(request.pageToken ?? '') || 0;
  const size = Math.min(largest, request.pageSize || largest);
  const next = from + size;
  return { items: all.slice(from, next), nextPageToken: next < all.length ? String(next) : '' };
}

/** The part of a resource name before its last two segments: the parent collection's owner. */
export function parentOf(name: string): string {
  return name.split('/').slice(0, -2).join('/');
}

/** The last segment of a resource name. */
export function idOf(name: string): string {
  return name.split('/').at(-1) ?? '';
}

/** `projects/P/locations/L` of any resource below it. */
export function locationOf(name: string): string {
  return name.split('/').slice(0, 4).join('/');
}

/** A protobuf Timestamp; milliseconds since the epoch in. */
export function timestamp(ms: number): { seconds: string; nanos: number } {
  return { seconds: String(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}

/** Milliseconds of a protobuf Duration or Timestamp, or `otherwise` where it is unset. */
export function milliseconds(
  value: { seconds?: number | string | object | null; nanos?: number | null } | null | undefined,
  otherwise: number,
): number {
  if (value === null || value === undefined) return otherwise;
  return Number(value.seconds ?? 0) * 1000 + Math.floor((value.nanos ?? 0) / 1_000_000);
}
