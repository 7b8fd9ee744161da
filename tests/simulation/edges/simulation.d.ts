/** What bundled production code finds in the place of the outside world: the world that is simulated now. */
declare const simulation: import('../edge.ts').Edge;
