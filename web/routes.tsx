import { lazy, Route, Router } from 'preact-iso';

const Home = lazy(() => import('./pages/home/home.tsx'));
const SignIn = lazy(() => import('./pages/sign-in/sign-in.tsx'));
const Join = lazy(() => import('./pages/join/join.tsx'));
const Models = lazy(() => import('./pages/models/models.tsx'));
const Model = lazy(() => import('./pages/model/model.tsx'));
const ErrorCode = lazy(() => import('./pages/help/error-code.tsx'));
const NotFound = lazy(() => import('./pages/not-found.tsx'));

/** Every page by its address; `paths.ts` builds the same addresses. */
export function Routes() {
  return (
    <Router>
      <Route path="/" component={Home} />
      <Route path="/sign-in" component={SignIn} />
      <Route path="/join" component={Join} />
      <Route path="/t/:tenant" component={Models} />
      <Route path="/t/:tenant/m/:model/:section?" component={Model} />
      <Route path="/help/errors/:code?" component={ErrorCode} />
      <Route default component={NotFound} />
    </Router>
  );
}
