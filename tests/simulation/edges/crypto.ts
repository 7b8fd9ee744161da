/* node:crypto whose random numbers follow from the seed. */
export * from 'node:crypto';

export const randomBytes = (n: number) => Buffer.from(simulation.bytes(n));
export const randomUUID = () => Buffer.from(simulation.bytes(16)).toString('hex');
