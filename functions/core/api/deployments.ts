import { z } from 'zod';
import { Deployment } from '../deployment.ts';
import { Id } from '../ids.ts';
import { DeploymentSettings } from '../pipeline-config.ts';
import { contract, Page, pageOf } from './contract.ts';

export const startDeployment = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/deployments',
  access: 'deploy',
  summary: 'Deploy a version; while a deployment is under way its own record is the answer.',
  body: z.strictObject({ version: Id, settings: DeploymentSettings.prefault({}) }),
  answer: Deployment,
  status: 202,
});

export const listDeployments = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/deployments',
  access: 'read',
  summary: 'Deployments, newest first.',
  query: Page,
  answer: pageOf(Deployment),
});

export const getDeployment = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/deployments/{deployment}',
  access: 'read',
  summary: 'One deployment.',
  answer: Deployment,
});
