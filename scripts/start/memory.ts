import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/** What `npm start` remembers in its state folder from one run to the next. */
const Memory = z.object({
  /** Port of the demo database: its source names it. */
  demoPort: z.int().nullable().default(null),
  /** Files uploaded before, by SHA-256: where they lie. */
  uploads: z.record(z.string(), z.string()).default({}),
});
export type Memory = z.output<typeof Memory>;

const FILE = 'start.json';

/** What is remembered in `state`; nothing when the file is missing or damaged: it only saves work. */
export async function readMemory(state: string): Promise<Memory> {
  const text = await readFile(path.join(state, FILE), 'utf8').catch(() => '{}');
  try {
    return Memory.parse(JSON.parse(text));
  } catch {
    return Memory.parse({});
  }
}

/** Remembers `memory`, whole or not at all. */
export async function writeMemory(state: string, memory: Memory): Promise<void> {
  await mkdir(state, { recursive: true });
  const draft = path.join(state, `${FILE}.${process.pid}.tmp`);
  await writeFile(draft, JSON.stringify(memory, null, 2));
  await rename(draft, path.join(state, FILE));
}

/** SHA-256 of a file's bytes, in hex. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) {
    if (Buffer.isBuffer(chunk)) hash.update(chunk);
  }
  return hash.digest('hex');
}
