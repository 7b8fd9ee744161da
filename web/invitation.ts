const KEY = 'tradewind-invitation';

/**
 * Keeps the token of an invitation's link (`/join#…`) for this tab: signing in leads away from the address, and what stands
 * behind `#` would be lost. Called before anything else is shown.
 */
export function keepInvitation(): void {
  const token = location.hash.slice(1);
  if (location.pathname !== '/join' || token === '') return;
  sessionStorage.setItem(KEY, token);
  // Neither the history nor whoever looks over a shoulder needs it any longer.
  history.replaceState(history.state, '', '/join');
}

/** The kept token; null where there is none. */
export function keptInvitation(): string | null {
  return sessionStorage.getItem(KEY);
}

export function forgetInvitation(): void {
  sessionStorage.removeItem(KEY);
}
