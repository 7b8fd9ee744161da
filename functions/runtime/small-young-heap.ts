import { setFlagsFromString } from 'node:v8';

/**
 * Imported for its effect, before anything else, by the main of a service's container (scripts/bundling.ts). The space for
 * what is young would grow to 64 MB while a service loads what it serves, and stay so: memory for nothing, as what a request
 * makes is garbage within a millisecond. Kept at the 2 MB of the start it is looked through more often (a few hundredths of
 * the processor's time under load) and for shorter. Node's documentation warns of flags that are set after the start; the
 * collector reads this one whenever it might grow the space.
 */
setFlagsFromString('--semi-space-growth-factor=1');
