import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { createAccount, sendReset, signInWith } from '../../accounts.ts';
import { safeNext } from '../../paths.ts';
import { session } from '../../session.ts';
import { useWork } from '../../use-work.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { Failure } from '../../ui/states.tsx';
import { useTitle } from '../../ui/use-title.ts';

type Mode = 'sign-in' | 'sign-up' | 'reset';
const WORDS: Readonly<Record<Mode, { title: string; button: string }>> = {
  'sign-in': { title: 'Sign in', button: 'Sign in' },
  'sign-up': { title: 'Create an account', button: 'Create account' },
  reset: { title: 'Reset the password', button: 'Send the e-mail' },
};

export default function SignIn() {
  const { query, route } = useLocation();
  const [mode, setMode] = useState<Mode>('sign-in');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [resetSent, setResetSent] = useState(false);
  const signedIn = session.value.state === 'signed-in';
  useEffect(() => {
    if (signedIn) route(safeNext(query['next']), true);
  }, [signedIn]);
  useTitle(WORDS[mode].title);
  const work = useWork(async () => {
    if (mode === 'sign-in') await signInWith(email.trim(), password);
    else if (mode === 'sign-up') await createAccount(email.trim(), password);
    else {
      await sendReset(email.trim());
      setResetSent(true);
    }
  });
  const turnTo = (next: Mode) => {
    work.clear();
    setResetSent(false);
    setMode(next);
  };
  return (
    <div class="narrow">
      <section class="panel" aria-labelledby="sign-in-title">
        <h1 id="sign-in-title">{WORDS[mode].title}</h1>
        <form
          class="stack sign-in"
          onSubmit={(event) => {
            event.preventDefault();
            work.run();
          }}
        >
          <Field
            label="E-mail"
            type="email"
            value={email}
            onInput={setEmail}
            required
            autoComplete="username"
          />
          {mode !== 'reset' && (
            <Field
              label="Password"
              type="password"
              value={password}
              onInput={setPassword}
              required
              autoComplete={mode === 'sign-in' ? 'current-password' : 'new-password'}
              hint={mode === 'sign-up' ? 'At least 6 characters; a few words are best.' : undefined}
            />
          )}
          {work.error !== null && <Failure error={work.error} />}
          {resetSent && (
            <output class="notice good">
              If there is an account for {email}, an e-mail with a link is on its way.
            </output>
          )}
          <Button type="submit" busy={work.busy}>
            {WORDS[mode].button}
          </Button>
        </form>
        <p class="row switch">
          {mode !== 'sign-in' && <Switch text="Sign in" onClick={() => turnTo('sign-in')} />}
          {mode !== 'sign-up' && <Switch text="Create an account" onClick={() => turnTo('sign-up')} />}
          {mode !== 'reset' && <Switch text="Forgot the password?" onClick={() => turnTo('reset')} />}
        </p>
      </section>
    </div>
  );
}

function Switch({ text, onClick }: { readonly text: string; readonly onClick: () => void }) {
  return (
    <button class="button link" type="button" onClick={onClick}>
      {text}
    </button>
  );
}
