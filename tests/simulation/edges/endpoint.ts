export const grpcOptions = () => ({});

/** Clients of the world that is simulated when they are used: one for all places and worlds will do. */
export const oncePerPlace =
  <P, T>(_: unknown, open: (place: P) => T) =>
  (place: P): T =>
    open(place);
