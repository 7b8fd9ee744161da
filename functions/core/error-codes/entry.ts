/** What a code means, and what whoever meets it should do. Both are sentences, about every message that carries the code. */
export type ErrorEntry = readonly [meaning: string, remedy: string];
