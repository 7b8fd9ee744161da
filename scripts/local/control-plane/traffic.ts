import type { protos } from '@google-cloud/run';
import type { Revision } from './journal.ts';
import { idOf, invalid } from './rpc.ts';

export type Target = protos.google.cloud.run.v2.ITrafficTarget;
export type TargetStatus = protos.google.cloud.run.v2.ITrafficTargetStatus;

const LATEST = 'TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST';
const REVISION = 'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION';

/**
 * What a service's traffic targets come to: revisions with their share and address.
 * @param latest id of the latest ready revision; null before there is one
 * @param address public address of the service, for a tag
 * @throws RpcError INVALID_ARGUMENT for shares that are not 100 together, an unknown revision, a tag used twice
 */
export function resolveTraffic(
  targets: readonly Target[] | null | undefined,
  revisions: readonly Revision[],
  latest: string | null,
  address: (tag: string) => string,
): TargetStatus[] {
  const everything: readonly Target[] = [{ type: LATEST, percent: 100 }];
  const wanted = (targets ?? []).length === 0 ? everything : (targets ?? []);
  const total = wanted.reduce((sum, { percent }) => sum + (percent ?? 0), 0);
  if (total !== 100) throw invalid(`traffic: the percentages come to ${total}, not to 100.`);
  const tags = wanted.map(({ tag }) => tag ?? '').filter((tag) => tag !== '');
  const twice = tags.find((tag, index) => tags.indexOf(tag) !== index);
  if (twice !== undefined) throw invalid(`traffic: the tag '${twice}' is used twice.`);
  const known = new Set(revisions.map(({ name }) => idOf(name ?? '')));
  return wanted.flatMap((target): TargetStatus[] => {
    const isLatest = target.revision === undefined || target.revision === null || target.revision === '';
    const revision = isLatest ? latest : idOf(target.revision ?? '');
    if (revision === null) return []; // nothing is ready yet
    if (!known.has(revision))
      throw invalid(
        `traffic: the revision '${revision}' does not exist; there are ${[...known].join(', ')}.`,
      );
    const tag = target.tag ?? '';
    return [
      {
        type: isLatest ? LATEST : REVISION,
        revision,
        percent: target.percent ?? 0,
        ...(tag === '' ? {} : { tag, uri: address(tag) }),
      },
    ];
  });
}

/** Ids of the revisions that must have an instance: those with a share or a tag. */
export function servingRevisions(statuses: readonly TargetStatus[] | null | undefined): Set<string> {
  const serving = (statuses ?? []).filter(({ percent, tag }) => (percent ?? 0) > 0 || (tag ?? '') !== '');
  return new Set(serving.map(({ revision }) => revision ?? ''));
}

/**
 * The revision that answers one request.
 * @param random in [0, 1)
 * @returns null when no revision has a share (or there is no such tag)
 */
export function chooseRevision(
  statuses: readonly TargetStatus[],
  tag: string | null,
  random: number,
): string | null {
  if (tag !== null) return statuses.find((status) => status.tag === tag)?.revision ?? null;
  let left = random * 100;
  for (const { percent, revision } of statuses) {
    left -= percent ?? 0;
    if (left < 0 && (percent ?? 0) > 0) return revision ?? null;
  }
  return null;
}
