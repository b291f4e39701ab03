import type { Workspace } from "@fleet/sdk";
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

/** Each build's agent has its own token. */
export const externalAgentQuery = (workspace: Workspace, agentName: string) =>
  queryOptions({
    queryKey: ["external-agent", workspace.latest_build.id, agentName],
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    queryFn: ({ signal }) =>
      client.workspaceExternalAgentCredentials({ params: { workspace: workspace.id, agentName }, signal }),
  });

/** Listening ports of the workspace; polled only while shown. */
export const listeningPortsQuery = (agent: string) =>
  queryOptions({
    queryKey: ["listening-ports", agent],
    queryFn: async ({ signal }) => (await client.agentListeningPorts({ params: { agent }, signal })).ports,
    refetchInterval: PORTS_POLL_MS,
  });
