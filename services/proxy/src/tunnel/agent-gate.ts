import type { IncomingMessage } from "node:http";
import { FleetError, isFleetError } from "@fleet/base";
import type { Coderd } from "../session/coderd.js";
import type { StreamGrant, StreamGrants } from "../session/grants.js";
import type { SettingsStore } from "../session/settings.js";
import { awayError } from "./accept.js";
import { agentCredentials, isOwnOrigin } from "./credentials.js";
import type { WrongKeys } from "./wrong-keys.js";

export type AgentStreamKind = "pty" | "ssh" | "forward";

/** Authorizes streams to agents. */
export type AgentAccess = {
  workspaceId: string;
  userId: string;
  grant: StreamGrant | undefined;
  decidedAtMs: number;
};

/** A request for a stream to an agent: `/api/v2/workspaceagents/{agent}/{pty,ssh,forward}`. */
export type AgentStreamRequest = {
  agentId: string;
  kind: AgentStreamKind;
  query: URLSearchParams;
  /** The client's address. */
  address: string;
};

const PATH =
  /^\/api\/v2\/workspaceagents\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/(pty|ssh|forward)$/i;

/** Parses the path; undefined for other paths. */
export function parseAgentStream(
  path: string,
  query: string,
  address: string,
): AgentStreamRequest | undefined {
  const match = PATH.exec(path);
  if (!match) return undefined;
  return {
    agentId: match[1]!.toLowerCase(),
    kind: match[2]!.toLowerCase() as AgentStreamKind,
    query: new URLSearchParams(query),
    address,
  };
}

/** Asks coderd to authorize the stream. Rejects with the error for the client. */
export type AgentGate = (request: IncomingMessage, asked: AgentStreamRequest) => Promise<AgentAccess>;

export function createAgentGate(options: {
  coderd: Pick<Coderd, "authorizeAgent">;
  settings: SettingsStore;
  grants: Pick<StreamGrants, "now">;
  wrongKeys: WrongKeys;
}): AgentGate {
  const { coderd, settings, grants, wrongKeys } = options;
  return async (request, { agentId, kind, query, address }) => {
    const { sessionToken, signedToken, ambient } = agentCredentials(request, query);
    if (sessionToken === "" && signedToken === "") {
      throw new FleetError(
        "unauthenticated",
        "You are not signed in. Sign in, or send a token in the Coder-Session-Token header.",
      );
    }
    const { accessUrl } = settings.required();
    const ownHosts = [accessUrl.host, (request.headers.host ?? "").toLowerCase()];
    if (ambient && !isOwnOrigin(request, ownHosts)) {
      throw new FleetError(
        "permission_denied",
        "Cross-origin request refused. The page that opened this connection belongs to another site.",
      );
    }
    const decidedAtMs = grants.now();
    try {
      const asked = { agentId, kind, sessionToken, signedAppToken: signedToken };
      const { workspaceId, userId, grant } = await wrongKeys.check(address, () =>
        coderd.authorizeAgent(asked),
      );
      return { workspaceId, userId, grant, decidedAtMs };
    } catch (error) {
      if (isFleetError(error, "permission_denied")) throw new FleetError("not_found", "Agent not found.");
      throw awayError(error);
    }
  };
}
