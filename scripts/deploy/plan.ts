import { accountSteps } from './accounts.ts';
import { foundationSteps } from './foundation.ts';
import type { Installation } from './installation.ts';
import { type Program, programSteps, topicSteps } from './programs.ts';
import { siteSteps } from './site.ts';
import type { Step } from './step.ts';
import { tenantProjectSteps } from './tenant-project.ts';

/** A part of the plan that is carried out, and shown, together. */
export interface Phase {
  readonly title: string;
  readonly steps: readonly Step[];
}

/** Everything a real project needs, in the order in which one needs the other. Pure: no network, no credentials. */
export function planDeployment(
  installation: Installation,
  programs: readonly Program[],
  webHash = '',
): Phase[] {
  const phases: Phase[] = [
    { title: 'Foundation', steps: foundationSteps(installation) },
    { title: 'Accounts and rights', steps: accountSteps(installation) },
    { title: 'Topics', steps: topicSteps(installation) },
    { title: 'Programs', steps: programSteps(installation, programs) },
    { title: 'Site, rules and schedule', steps: siteSteps(installation, webHash) },
    ...installation.tenantProjects.map((project) => ({
      title: `Tenant project ${project}`,
      steps: tenantProjectSteps(installation, project),
    })),
  ];
  const seen = new Set<string>();
  for (const { id } of phases.flatMap(({ steps }) => steps)) {
    if (seen.has(id)) throw new RangeError(`two steps are called ${id}`);
    seen.add(id);
  }
  return phases;
}
