import type { Connector } from '../connector.ts';
/** PostgreSQL databases. */
export declare const postgres: Connector;
