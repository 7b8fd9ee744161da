import { ErrorBoundary, LocationProvider, useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { to } from './paths.ts';
import { Routes } from './routes.tsx';
import { endSession, session, tenantOf } from './session.ts';
import { Announcer } from './ui/announcer.tsx';
import { Failure } from './ui/states.tsx';
import { ThemeToggle } from './ui/theme-toggle.tsx';

export function App() {
  return (
    <LocationProvider>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <TopBar />
      <main id="main" tabIndex={-1}>
        <ErrorBoundary>
          <Gate />
        </ErrorBoundary>
      </main>
      <Announcer />
    </LocationProvider>
  );
}

/** Pages are for people who signed in; everybody else is sent to sign in and brought back. Help is for everybody. */
function Gate() {
  const { path, url, route } = useLocation();
  const current = session.value;
  const away = current.state === 'signed-out' && path !== '/sign-in' && !path.startsWith('/help/');
  useEffect(() => {
    if (away) route(to.signIn(url), true);
  }, [away]);
  if (current.state === 'failed') return <Failure error={current.error} retry={() => location.reload()} />;
  if (current.state === 'starting' || away) return <output class="starting">Opening Tradewind…</output>;
  return <Routes />;
}

function TopBar() {
  const { path } = useLocation();
  const current = session.value;
  const tenant = tenantOf(/^\/t\/([^/]+)/.exec(path)?.[1] ?? '');
  return (
    <header class="top">
      <a class="brand" href={to.home()}>
        <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
          <rect width="32" height="32" rx="8" fill="currentColor" />
          <path d="M6 12h13a3.5 3.5 0 1 0-3.3-4.7M6 17h18a3.5 3.5 0 1 1-3.3 4.7M6 22h8" />
        </svg>
        <span class="brand-name">Tradewind</span>
      </a>
      {tenant !== null && (
        <a class="tenant" href={to.models(tenant.id)}>
          {tenant.name}
        </a>
      )}
      <span class="spring" />
      <ThemeToggle />
      {current.state === 'signed-in' && (
        <>
          <span class="who" title={current.email}>
            {current.email}
          </span>
          <button class="button plain small" type="button" onClick={() => void endSession()}>
            Sign out
          </button>
        </>
      )}
    </header>
  );
}
