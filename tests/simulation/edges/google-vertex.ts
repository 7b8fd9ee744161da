/* The client of @google-cloud/aiplatform that functions/cloud/vertex.ts uses. */
export class JobServiceClient {
  listCustomJobs: typeof simulation.jobs.listCustomJobs = (request) =>
    simulation.jobs.listCustomJobs(request);
  createCustomJob: typeof simulation.jobs.createCustomJob = (request) =>
    simulation.jobs.createCustomJob(request);
  getCustomJob: typeof simulation.jobs.getCustomJob = (request) => simulation.jobs.getCustomJob(request);
  cancelCustomJob: typeof simulation.jobs.cancelCustomJob = (request) =>
    simulation.jobs.cancelCustomJob(request);
}
