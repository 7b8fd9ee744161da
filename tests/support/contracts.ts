import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Contract } from '#core/api/contract';
import { ROOT } from '#scripts/deployables';

/** A contract under the name it is exported by, in the file of its capability. */
export interface NamedContract {
  readonly capability: string;
  readonly name: string;
  readonly contract: Contract;
}

/** Every contract of functions/core/api, whatever is added there. */
export async function allContracts(): Promise<NamedContract[]> {
  const files = readdirSync(join(ROOT, 'functions/core/api')).filter((file) => file.endsWith('.ts'));
  const found: NamedContract[] = [];
  for (const file of files) {
    const module: Record<string, unknown> = await import(`../../functions/core/api/${file}`);
    for (const [name, value] of Object.entries(module))
      if (isContract(value)) found.push({ capability: file.replace('.ts', ''), name, contract: value });
  }
  return found;
}

/** `METHOD /path/{template}`: how tables name an endpoint. */
export function endpointOf({ method, path }: Pick<Contract, 'method' | 'path'>): string {
  return `${method} ${path}`;
}

function isContract(value: unknown): value is Contract {
  return (
    typeof value === 'object' && value !== null && 'method' in value && 'path' in value && 'answer' in value
  );
}
