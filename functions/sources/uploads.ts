import { openFiles } from '#cloud/storage';
import { mustBeThere } from '#store/model-access';
import { type ModelKey, type SourceWorld, uploadPrefix } from '#store/source-access';
import { makeId, type Store } from '#store/store';

const CONTENT_TYPE = 'application/octet-stream';

/** An address that takes one PUT of a file; each upload has a folder of its own, so nothing is ever overwritten. */
export async function openUpload(
  store: Store,
  world: SourceWorld,
  key: ModelKey,
  file: { readonly fileName: string; readonly bytes: number },
  origin: string | undefined,
): Promise<{ uri: string; method: 'PUT'; url: string; headers: Record<string, string> }> {
  await mustBeThere(store, key.tenant, key.model);
  const uri = `${uploadPrefix(world.bucket, key)}${makeId(store, 'u')}/${file.fileName}`;
  const url = await openFiles(world.projectId).uploadAddress(uri, {
    contentType: CONTENT_TYPE,
    bytes: file.bytes,
    ...(origin === undefined ? {} : { origin }),
  });
  return { uri, method: 'PUT', url, headers: { 'content-type': CONTENT_TYPE } };
}
