/** What a person decides about an installation; everything else follows from the code. */
export interface Installation {
  /** The Google Cloud project of the installation. */
  readonly project: string;
  /** Region of functions, containers, warehouse and bucket. */
  readonly region: string;
  /** Firestore's location; a region or multi-region. */
  readonly firestore: string;
  /** Web origins that may call the recommender from a browser. */
  readonly origins: readonly string[];
  /** Private hosts that customers' sources may name (TRADEWIND_ALLOWED_HOSTS). */
  readonly allowedHosts: string;
  /** From where customers' servers are connected to, as its users are told (TRADEWIND_OUTBOUND_ADDRESSES). */
  readonly outboundAddresses: string;
  /** Whom alerts by e-mail come from (TRADEWIND_MAIL_FROM), and the secret that says how they are sent; none: none are. */
  readonly mail?: { readonly from: string; readonly secret: string } | undefined;
  /** Projects of tenants that do not share the installation's. */
  readonly tenantProjects: readonly string[];
  /** Versions of the installation key's secret while it is rotated; left out, the newest alone. */
  readonly keyVersions?: { readonly current: string; readonly former: string | null };
}

/** Names that follow from the installation. */
export function namesOf({ project, region }: Pick<Installation, 'project' | 'region'>) {
  return {
    bucket: `${project}-tradewind`,
    repository: 'tradewind',
    images: `${region}-docker.pkg.dev/${project}/tradewind`,
    network: 'tradewind',
    subnet: 'tradewind-run',
    router: 'tradewind',
    nat: 'tradewind',
    address: 'tradewind-out',
    connector: 'tradewind',
    keySecret: 'tradewind-installation-key',
  } as const;
}

/** The environment every function and job is deployed with; the installation's key comes from Secret Manager. */
export function environmentOf(installation: Installation): Record<string, string> {
  const names = namesOf(installation);
  return {
    GOOGLE_CLOUD_PROJECT: installation.project,
    TRADEWIND_LOCATION: installation.region,
    TRADEWIND_BUCKET: names.bucket,
    TRADEWIND_IMAGES: names.images,
    TRADEWIND_ALLOWED_HOSTS: installation.allowedHosts,
    TRADEWIND_OUTBOUND_ADDRESSES: installation.outboundAddresses,
    TRADEWIND_WEB_ORIGINS: installation.origins.join(','),
    TRADEWIND_MAIL_FROM: installation.mail?.from ?? '',
  };
}
