/**
 * Every function of the product in one process, each through the Functions Framework as when deployed, behind one front
 * door: `/<function name>/<path>`.
 */
import { cloudEvent, http } from '@google-cloud/functions-framework';
import type { HttpFunction } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { limitBodies } from '#runtime/body-limit';
import { announceReady, onShutdown, pieceArguments } from '../announce.ts';
import { listDeployables } from '../deployables.ts';
import type { Deployable } from '../deployables.ts';
import { KEEP_ALIVE_MS } from '../proxy.ts';
import { openFrontDoor } from './front-door.ts';
import type { HostedFunction } from './front-door.ts';

const Entry = z.object({
  deploy: z.discriminatedUnion('trigger', [
    z.object({ trigger: z.literal('http'), timeoutSeconds: z.number().default(60) }),
    z.object({
      trigger: z.literal('event'),
      topic: z.string().min(3),
      timeoutSeconds: z.number().default(60),
    }),
  ]),
  handler: z.custom<HttpFunction>((value) => typeof value === 'function', 'must be a function'),
});

// As the main of a deployed function does.
limitBodies(import.meta.url);
const { port, functions, project } = pieceArguments('port', 'functions', 'project');
const hosted = new Map<string, HostedFunction>();
const broken: Record<string, string> = {};

async function host({ name, file }: Deployable): Promise<HostedFunction> {
  const { deploy, handler } = Entry.parse(await import(pathToFileURL(file).href));
  if (deploy.trigger === 'http') http(name, handler);
  // An event's handler takes the CloudEvent; the framework checks its form before calling.
  else cloudEvent(name, handler as unknown as Parameters<typeof cloudEvent>[1]);
  const server = getTestServer(name).listen(0, '127.0.0.1');
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const topic = deploy.trigger === 'event' ? deploy.topic : null;
  return { name, server, port: address.port, topic, timeoutSeconds: deploy.timeoutSeconds };
}

// One after the other: importing is all processor time, and the order of any error stays the same.
for (const deployable of listDeployables(functions)) {
  if (deployable.kind !== 'function') continue;
  try {
    hosted.set(deployable.name, await host(deployable));
  } catch (error) {
    // Deployed, one broken function would not take the others down: its own requests name the reason.
    console.error(`${deployable.name} cannot be loaded from ${deployable.file}:`, error);
    broken[deployable.name] = error instanceof Error ? error.message : String(error);
  }
}

// A server takes one connection each time around the event loop (libuv), which is far apart when much is to be done:
// so there are several at the same port, or new connections would wait behind each other for seconds.
const DOORS = 16;
const doors = Array.from({ length: DOORS }, () => openFrontDoor(hosted, broken, project));
await Promise.all(
  doors.map(async (door) =>
    once(door.listen({ port: Number(port), host: '127.0.0.1', reusePort: true }), 'listening'),
  ),
);
announceReady({
  functions: [...hosted.values()].map(({ name, topic, timeoutSeconds }) => ({ name, topic, timeoutSeconds })),
  broken,
});
onShutdown(() => undefined);
