/** The sections of a model's page, in the order of the work. */
export const SECTIONS = [
  'overview',
  'sources',
  'load',
  'automation',
  'dataset',
  'pipeline',
  'deployment',
  'try',
] as const;
export type Section = (typeof SECTIONS)[number];

/** Every address of the application, once. */
export const to = {
  home: () => '/',
  signIn: (next?: string) =>
    next === undefined || next === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`,
  help: (code?: string) => (code === undefined ? '/help/errors' : `/help/errors/${encodeURIComponent(code)}`),
  models: (tenant: string) => `/t/${tenant}`,
  model: (tenant: string, model: string, section: Section = 'overview') =>
    section === 'overview' ? `/t/${tenant}/m/${model}` : `/t/${tenant}/m/${model}/${section}`,
} as const;

/** `section` of an address, or the overview. */
export function sectionOf(text: string | undefined): Section {
  return SECTIONS.find((section) => section === text) ?? 'overview';
}

/** Where to go after signing in: only ever a page of this application, whatever the address said. */
export function safeNext(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\w\-./?=&%]*$/.test(next) ? next : to.home();
}
