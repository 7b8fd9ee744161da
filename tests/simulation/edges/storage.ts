export { splitUri } from '../../../functions/cloud/storage.ts';

export const openFiles = () => simulation.files;
