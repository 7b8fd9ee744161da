import type { Connector } from '../connector.ts';
/** CSV files. */
export declare const csv: Connector;
