/* Cloud Storage as functions/cloud/storage.ts offers it, as far as runs and deployments use it. */
import type { Files } from '#cloud/storage';
import type { Kernel } from '../kernel.ts';

/** What runs and deployments do with files. */
export type FilesClient = Pick<
  Files,
  'stat' | 'list' | 'read' | 'readAll' | 'save' | 'openWriter' | 'delete' | 'deleteAll'
>;

export interface SimulatedFiles {
  readonly client: FilesClient;
  /** Without a process, at once. */
  readonly put: (uri: string, text: string) => void;
  text(uri: string): string | null;
}

/** An empty bucket of every name. */
export function makeFiles(kernel: Kernel): SimulatedFiles {
  const objects = new Map<string, { readonly bytes: Uint8Array; readonly generation: string }>();
  let generations = 0;
  const { TerminalError, TransientError } = kernel.errors;
  const fail = () => new TransientError('storage-unavailable', 'Cloud Storage did not answer.');
  const call = <T>(what: string, reads: boolean, effect: () => T) =>
    kernel.processes.call(what, effect, { fail, reads });
  const put = (uri: string, data: Uint8Array | string) => {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    objects.set(uri, { bytes, generation: String(++generations) });
  };
  const mustFind = (uri: string) => {
    const found = objects.get(uri);
    if (found === undefined) throw new TerminalError('object-missing', `There is no object ${uri}.`);
    return found;
  };
  const info = (uri: string) => {
    const { bytes, generation } = mustFind(uri);
    return { uri, bytes: bytes.byteLength, generation };
  };
  const below = (prefix: string) => [...objects.keys()].filter((uri) => uri.startsWith(prefix));
  return {
    client: {
      stat: (uri) => call(`stat ${uri}`, true, () => (objects.has(uri) ? info(uri) : null)),
      list: (prefix) => call(`list ${prefix}`, true, () => below(prefix).map(info)),
      async *read(uri) {
        yield await call(`read ${uri}`, true, () => mustFind(uri).bytes);
      },
      readAll: (uri) => call(`read ${uri}`, true, () => mustFind(uri).bytes),
      save: (uri, data) => call(`save ${uri}`, false, () => put(uri, data)),
      openWriter: (uri) => ({
        write: () => Promise.resolve(),
        close: () => call(`save ${uri}`, false, () => put(uri, 'written')),
        abort: () => undefined,
      }),
      delete: (uri) => call(`delete ${uri}`, false, () => void objects.delete(uri)),
      deleteAll: (prefix) =>
        call(`delete all ${prefix}`, false, () => below(prefix).forEach((uri) => objects.delete(uri))),
    },
    put,
    text: (uri) => {
      const found = objects.get(uri);
      return found === undefined ? null : new TextDecoder().decode(found.bytes);
    },
  };
}
