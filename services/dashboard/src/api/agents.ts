import { queryOptions } from "@tanstack/react-query";
import { client } from "./client.js";

const PORTS_POLL_MS = 10_000;

export const applicationsHostQuery = queryOptions({
  queryKey: ["applications-host"],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: async ({ signal }) => (await client.applicationsHost({ signal })).host,
});

export const sshConfigQuery = queryOptions({
  queryKey: ["ssh-config"],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: ({ signal }) => client.deploymentSsh({ signal }),
});

/** Kept: the token of a build's agent does not change. */
export const externalAgentQuery = (workspace: string, agentName: string) =>
  queryOptions({
    queryKey: ["external-agent", workspace, agentName],
    retry: false,
    queryFn: ({ signal }) =>
      client.workspaceExternalAgentCredentials({ params: { workspace, agentName }, signal }),
  });

/** Listening ports of the workspace; polled only while shown. */
export const listeningPortsQuery = (agent: string) =>
  queryOptions({
    queryKey: ["listening-ports", agent],
    queryFn: async ({ signal }) => (await client.agentListeningPorts({ params: { agent }, signal })).ports,
    refetchInterval: PORTS_POLL_MS,
  });
