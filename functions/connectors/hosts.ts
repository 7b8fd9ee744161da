/** One host checked: connect to `address`, verify TLS against `host`. */
export interface PinnedHost {
  readonly host: string;
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
}

/** Decides whether a host given by a customer may be connected to. */
export interface HostGuard {
  /** Terminal `host-refused`, Terminal `host-unknown` or Transient `resolver-failed`. */
  pin(host: string, port: number): Promise<PinnedHost>;
}
