/**
 * Patterns of addresses: `*` stands for any part of a name within a folder, `**` for any part across folders, `**` and a
 * slash for any folders or none.
 */

/** Whether `uri` names several objects. */
export function isPattern(uri: string): boolean {
  return uri.startsWith('gs://') && uri.includes('*');
}

/** What all addresses that match begin with. */
export function prefixOf(pattern: string): string {
  return pattern.slice(0, pattern.indexOf('*'));
}

const STAR = '*';
const ANY = '**';

/**
 * Tells whether an address matches. Takes time in proportion to both lengths whatever the pattern, which a regular
 * expression would not.
 */
export function makeMatcher(pattern: string): (uri: string) => boolean {
  const tokens = pattern.match(/\*\*+|[^]/gu)?.map((token) => (token.length > 2 ? ANY : token)) ?? [];
  /** Adds `state` and those it leads to without a character. */
  const enter = (states: Uint8Array, state: number): void => {
    const token = tokens[state];
    // No folder at all: only where the folders would begin, not after a part of a name.
    if (token === ANY && tokens[state - 1] === '/' && tokens[state + 1] === '/') enter(states, state + 2);
    stay(states, state);
  };
  const stay = (states: Uint8Array, state: number): void => {
    if (states[state] === 1) return;
    states[state] = 1;
    if (tokens[state] === STAR || tokens[state] === ANY) enter(states, state + 1);
  };
  return (uri) => {
    let states = new Uint8Array(tokens.length + 1);
    enter(states, 0);
    for (const character of uri) {
      const next = new Uint8Array(tokens.length + 1);
      states.forEach((there, state) => {
        if (there === 0) return;
        const token = tokens[state];
        if (token === ANY || (token === STAR && character !== '/')) stay(next, state);
        else if (token === character && token !== STAR) enter(next, state + 1);
      });
      states = next;
    }
    return states[tokens.length] === 1;
  };
}
