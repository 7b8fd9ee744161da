/** A process's bus outlives a world: it is asked for the present one's at each use. */
const bus = new Proxy({}, { get: (_, name) => Reflect.get(simulation.bus, name) });

export const openBus = () => bus;
