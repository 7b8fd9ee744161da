import type { Phase } from './plan.ts';
import { commandLine } from './step.ts';

/** The plan as a person reads it: each resource, why, and the commands that ask for it and bring it about. */
export function printPlan(phases: readonly Phase[]): string {
  const lines: string[] = [];
  for (const { title, steps } of phases) {
    lines.push('', `# ${title} (${steps.length})`);
    for (const step of steps) {
      lines.push('', `## ${step.id}: ${step.what}${step.why === undefined ? '' : ` – ${step.why}`}`);
      for (const command of step.first ?? []) lines.push(commandLine(command));
      if (step.check !== undefined)
        lines.push(
          `# there if: ${commandLine(step.check)}${step.want === undefined ? '' : `   # says ${step.want}`}`,
        );
      lines.push(...step.make.map(commandLine));
      if (step.change !== undefined && step.change.length > 0)
        lines.push(
          '# or, where it is another:',
          ...step.change.map((command) => `# ${commandLine(command)}`),
        );
    }
  }
  const commands = phases.flatMap(({ steps }) => steps).flatMap(({ make }) => make).length;
  lines.push(
    '',
    `# ${phases.flatMap(({ steps }) => steps).length} resources, ${commands} commands to make them all.`,
  );
  return lines.join('\n').trimStart();
}
