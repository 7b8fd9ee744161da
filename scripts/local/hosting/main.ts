/** Firebase Hosting: the files of the web application and the rewrites of firebase.json, by the library its emulator uses. */
import { createServer } from 'node:http';
import { toError } from '#core/errors';
import { announceReady, onShutdown, pieceArguments } from '../announce.ts';
import { KEEP_ALIVE_MS, refuse } from '../proxy.ts';
import { openSite } from './site.ts';

const { port, root, functions, ingress, project, auth, firestore, storage } = pieceArguments(
  'port',
  'root',
  'functions',
  'ingress',
  'project',
  'auth',
  'firestore',
  'storage',
);
const site = openSite({
  root,
  functionsPort: Number(functions),
  ingressPort: Number(ingress),
  pagePorts: [auth, firestore, storage, ingress].map(Number),
});

/** What Hosting tells a web application about its project; `emulators` is there only locally. */
const webConfig = JSON.stringify({
  projectId: project,
  apiKey: 'local',
  authDomain: `127.0.0.1:${port}`,
  emulators: { auth: `127.0.0.1:${auth}`, firestore: `127.0.0.1:${firestore}` },
});

const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  if (request.url === '/__/firebase/init.json')
    response
      .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(webConfig);
  else
    site(request, response, (error) => {
      if (error === undefined) refuse(response, 404, 'There is no such page.');
      else refuse(response, 500, toError(error).message);
    });
});
server.listen(Number(port), '127.0.0.1', () => announceReady({}));
onShutdown(() => undefined);
