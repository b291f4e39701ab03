import { queryOptions } from "@tanstack/react-query";
import { client } from "./client.js";

const QUEUE_POLL_MS = 10_000;
const JOBS = 50;

export const daemonsQuery = (organization: string) =>
  queryOptions({
    queryKey: ["provisioner-daemons", organization],
    queryFn: ({ signal }) => client.provisionerDaemonList({ params: { organization }, signal }),
    refetchInterval: QUEUE_POLL_MS,
  });

export const jobsQuery = (organization: string) =>
  queryOptions({
    queryKey: ["provisioner-jobs", organization],
    queryFn: ({ signal }) =>
      client.provisionerJobList({ params: { organization }, query: { limit: JOBS }, signal }),
    refetchInterval: QUEUE_POLL_MS,
  });

export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: ({ signal }) => client.debugHealth({ signal }),
});
