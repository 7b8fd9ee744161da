export const openWarehouse = () => simulation.warehouse;
