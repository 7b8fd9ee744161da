/**
 * A life cycle as data: for each state, what each event leads to. `null` means the event does not apply there: it came
 * twice, or late, and is ignored. The type demands every state × event, so a new state cannot be half-added.
 */
export type LifeCycle<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Record<Event, State | null>>>
>;

/** The state `event` leads to from `state`, or null where it is to be ignored. */
export function follow<State extends string, Event extends string>(
  cycle: LifeCycle<State, Event>,
  state: State,
  event: Event,
): State | null {
  return cycle[state][event];
}

/** Whether nothing leads out of `state`. */
export function isFinal<State extends string, Event extends string>(
  cycle: LifeCycle<State, Event>,
  state: State,
): boolean {
  return Object.values(cycle[state]).every((next) => next === null);
}
