import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { configRoutes } from './config-routes.ts';
import { runRoutes } from './run-routes.ts';

export const deploy = httpDeploy();

export const handler = serve('pipelines-api', (here) => [...configRoutes(here), ...runRoutes(here)]);
