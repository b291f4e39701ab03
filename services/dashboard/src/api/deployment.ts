import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client } from "./client.js";

const QUEUE_POLL_MS = 10_000;

export const jobsKey = ["provisioner-jobs"];

export const daemonsQuery = (organization: string) =>
  queryOptions({
    queryKey: ["provisioner-daemons", organization],
    queryFn: ({ signal }) => client.provisionerDaemonList({ params: { organization }, signal }),
    refetchInterval: QUEUE_POLL_MS,
  });

/** Latest jobs of an organization; `status` is a job status, or "" for all. */
export const jobsQuery = (organization: string, filter: { status: string; limit: number }) =>
  queryOptions({
    queryKey: [...jobsKey, organization, filter],
    queryFn: ({ signal }) => {
      const { status, limit } = filter;
      const query = { limit, ...(status ? { status } : {}) };
      return client.provisionerJobList({ params: { organization }, query, signal });
    },
    refetchInterval: QUEUE_POLL_MS,
    placeholderData: keepPreviousData,
  });

export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: ({ signal }) => client.debugHealth({ signal }),
});
