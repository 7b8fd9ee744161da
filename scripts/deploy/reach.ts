import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const IMPORT = /(?:^|\n)\s*(?:import|export)\s(?!type\b)[^'"]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)/g;

/** Every source file that `entry` leads to by its imports, types apart; paths below `root`. */
export function filesBehind(root: string, entry: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file) || !existsSync(join(root, file))) continue;
    seen.add(file);
    for (const found of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
      const specifier = found[1] ?? found[2] ?? '';
      if (specifier.startsWith('#')) waiting.push(`functions/${specifier.slice(1)}.ts`);
      else if (specifier.startsWith('.')) waiting.push(join(file, '..', specifier));
    }
  }
  return seen;
}

/** Files that open connections to hosts that customers name: sources, and receivers of alerts. */
const REACHING = ['functions/connectors/registry.ts', 'functions/alerts/webhook.ts'];

/** Whether the deployable of `entry` opens connections to hosts that customers name. */
export function reachesSources(root: string, entry: string): boolean {
  const behind = filesBehind(root, entry);
  return REACHING.some((file) => behind.has(file));
}
