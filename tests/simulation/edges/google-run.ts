/* The clients of @google-cloud/run that functions/cloud/run.ts uses. */
export class JobsClient {
  runJob: typeof simulation.jobs.runJob = (request) => simulation.jobs.runJob(request);
}
export class ExecutionsClient {
  listExecutions: typeof simulation.jobs.listExecutions = (request) =>
    simulation.jobs.listExecutions(request);
  getExecution: typeof simulation.jobs.getExecution = (request) => simulation.jobs.getExecution(request);
  cancelExecution: typeof simulation.jobs.cancelExecution = (request) =>
    simulation.jobs.cancelExecution(request);
}
export class ServicesClient {
  getService: typeof simulation.services.getService = (request) => simulation.services.getService(request);
  createService: typeof simulation.services.createService = (request) =>
    simulation.services.createService(request);
  updateService: typeof simulation.services.updateService = (request) =>
    simulation.services.updateService(request);
  deleteService: typeof simulation.services.deleteService = (request) =>
    simulation.services.deleteService(request);
  getIamPolicy: typeof simulation.services.getIamPolicy = (request) =>
    simulation.services.getIamPolicy(request);
  setIamPolicy: typeof simulation.services.setIamPolicy = (request) =>
    simulation.services.setIamPolicy(request);
}
export class RevisionsClient {
  getRevision: typeof simulation.services.getRevision = (request) => simulation.services.getRevision(request);
}
