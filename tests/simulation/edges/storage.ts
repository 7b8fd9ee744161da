export const openFiles = () => simulation.files;
