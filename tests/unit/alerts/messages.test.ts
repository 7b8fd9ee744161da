import { createHmac } from 'node:crypto';
import type { AlertMessage } from '#core/alert';
import { mailText } from '../../../functions/alerts/mail-text.ts';
import { signingSecrets } from '../../../functions/alerts/secrets.ts';
import { makeSecret, signatureOf } from '../../../functions/alerts/signature.ts';

const AT = '2026-11-01T08:00:00.000Z';

test('a signature is that of the time and the body, one for each secret', () => {
  const at = Date.parse(AT) + 999;
  const [t, first, second, ...rest] = signatureOf('{"a":1}', ['new', 'old'], at).split(',');
  const seconds = Date.parse(AT) / 1000;
  const hex = (secret: string) => createHmac('sha256', secret).update(`${seconds}.{"a":1}`).digest('hex');
  expect([t, first, second, rest]).toEqual([`t=${seconds}`, `v1=${hex('new')}`, `v1=${hex('old')}`, []]);
});

test('secrets are of 256 random bits', () => {
  expect(makeSecret((n) => new Uint8Array(n))).toBe(`twhs_${'A'.repeat(43)}`);
});

test('a former secret signs until its time is over', () => {
  const webhook = { url: 'https://hooks.example.com', secret: 'new', former: { secret: 'old', until: AT } };
  expect(signingSecrets(webhook, '2026-11-01T07:59:59.999Z')).toEqual(['new', 'old']);
  expect(signingSecrets(webhook, AT)).toEqual(['new']);
});

const message: AlertMessage = {
  id: 'aone1',
  type: 'alert.failed',
  tenant: 'tacme',
  model: { id: 'mone1', name: 'Parts' },
  subject: { kind: 'schedule', id: 'jone1', name: 'Nightly' },
  at: AT,
  evidence: 'fone1',
  cause: { code: 'too-late', message: 'Its time was over.', remedy: 'Run it now.' },
};

test('a mail says what fails, when, why and what to do', () => {
  expect(mailText(message)).toEqual({
    subject: 'Tradewind: The schedule “Nightly” of “Parts” fails',
    text: [
      'The schedule “Nightly” of “Parts” fails.',
      `When: ${AT}`,
      'Why: Its time was over. (too-late)',
      'What to do: Run it now.',
      '',
      'You get this because you are named in an alert channel of Tradewind. Alert aone1.',
      '',
    ].join('\n'),
  });
  expect(mailText({ ...message, type: 'alert.recovered' }).text).toContain('It had failed because: Its time');
});

test('a name cannot add lines or headers', () => {
  const hostile = 'Nightly\r\nBcc: all@example.com\u2028\u0000x';
  const { subject, text } = mailText({
    ...message,
    subject: { kind: 'etl', id: 'mone1', name: hostile },
    model: { id: 'mone1', name: hostile },
  });
  expect(subject).toBe('Tradewind: The load of “Nightly Bcc: all@example.com x” fails');
  expect(text.split('\n').filter((line) => line.startsWith('Bcc'))).toEqual([]);
});
