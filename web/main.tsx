import { render } from 'preact';
import { z } from 'zod';
import { App } from './app.tsx';
import { keepInvitation } from './invitation.ts';
import { startSession } from './session.ts';
import { applyTheme } from './ui/theme.ts';

// zod would compile its parsers with `new Function`, which the page's content security policy forbids.
z.config({ jitless: true });
applyTheme();
keepInvitation();
startSession();

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
