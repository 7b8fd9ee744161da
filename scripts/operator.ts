/** Who operates the installation: people who see and suspend all tenants. */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { openPeople } from '#cloud/auth';
import { openDatabase } from '#cloud/firestore';
import { INSTALLATION } from '#core/audit';
import { toFailure } from '#core/errors';
import { paths } from '#core/paths';
import { auditWrite } from '#store/store';

const HELP = `Name the operators of an installation. An operator lists, suspends and deletes tenants; they see nothing of their data.

  node scripts/operator.ts list
  node scripts/operator.ts add EMAIL       the address must have an account that signs in already
  node scripts/operator.ts remove EMAIL    takes effect at their next request

  --project ID    default: GOOGLE_CLOUD_PROJECT

Credentials are those of the Google clients (gcloud auth application-default login). On the local cloud, set the
variables that \`npm start\` prints: FIRESTORE_EMULATOR_HOST, FIREBASE_AUTH_EMULATOR_HOST, GOOGLE_CLOUD_PROJECT.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { project: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});
const [verb = '', email = ''] = positionals;
const projectId = values.project ?? process.env['GOOGLE_CLOUD_PROJECT'] ?? '';

if (values.help === true || verb === '') console.log(HELP);
else process.exitCode = await run();

/** @returns the exit code: 0 done, 1 failed, 2 not understood. */
async function run(): Promise<number> {
  const known = verb === 'list' ? email === '' : ['add', 'remove'].includes(verb) && email !== '';
  if (!known || projectId === '') {
    console.error(projectId === '' ? 'Name the project: --project ID.' : HELP);
    return 2;
  }
  const db = openDatabase(projectId);
  try {
    if (verb === 'list') {
      for (const { id, data } of await db.list(paths.operators)) console.log(`${data['email'] ?? ''}  ${id}`);
      return 0;
    }
    const person = await openPeople(projectId).byEmail(email);
    if (person === null) {
      console.error(`${email} has no account here. Sign up with it first.`);
      return 1;
    }
    const path = paths.operator(person.uid);
    await db.commit([
      verb === 'add'
        ? {
            kind: 'set',
            path,
            data: { uid: person.uid, email: person.email, addedAt: new Date().toISOString() },
          }
        : { kind: 'delete', path },
      auditWrite(
        { clock: Date.now, random: randomBytes },
        {
          tenant: INSTALLATION,
          actor: 'system',
          action: `operator.${verb}`,
          target: path,
          after: { email: person.email },
        },
      ),
    ]);
    console.log(`${email} is ${verb === 'add' ? 'an operator now' : 'no operator any more'}.`);
    return 0;
  } catch (error) {
    const { code, message, remedy } = toFailure(error);
    console.error(`${code}: ${message}${remedy === null ? '' : ` ${remedy}`}`);
    return 1;
  } finally {
    await db.close();
  }
}
