/**
 * The installation's keys, 32 bytes each. Everything new is wrapped by `current`; `former` ones still open what they have
 * wrapped, until it is wrapped anew (scripts/rotate-keys.ts).
 */
export interface InstallationKeys {
  readonly current: Uint8Array;
  readonly former: readonly Uint8Array[];
}
