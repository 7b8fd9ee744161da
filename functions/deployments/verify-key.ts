import { hkdfSync } from 'node:crypto';

/** The key by which a deployment's revision knows its verifier: 32 bytes, another for each deployment, kept nowhere. */
export function verifyKey(installationKey: Uint8Array, tenant: string, deployment: string): Uint8Array {
  return new Uint8Array(
    hkdfSync('sha256', installationKey, '', `tradewind verify\n${tenant}\n${deployment}`, 32),
  );
}
