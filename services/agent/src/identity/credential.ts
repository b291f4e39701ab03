import { FleetError } from "@fleet/base";
import { type IdentityDocument, type IdentityKind, machineIdentity } from "./documents.js";

/** What the agent authenticates with. */
export type Credential = {
  /** The token; before the first `get` of a machine's identity, empty. */
  readonly token: string;
  /** The token, in exchange for the machine's identity if there is none yet. */
  get(signal: AbortSignal): Promise<string>;
  /** The deployment has refused the token: the next `get` exchanges the identity again. */
  refused(): void;
};

const EXCHANGE_TIMEOUT_MS = 30_000;

export function fixedCredential(token: string): Credential {
  return { token, get: async () => token, refused() {} };
}

/** @param identify the machine's document, for tests. */
export function machineCredential(
  accessUrl: string,
  kind: IdentityKind,
  identify: (signal: AbortSignal) => Promise<IdentityDocument> = (signal) => machineIdentity(kind, signal),
): Credential {
  let token = "";
  return {
    get token() {
      return token;
    },
    async get(signal) {
      token ||= await exchange(
        new URL(`/api/v2/workspaceagents/${kind}`, accessUrl),
        await identify(signal),
        signal,
      );
      return token;
    },
    refused() {
      token = "";
    },
  };
}

async function exchange(url: URL, document: IdentityDocument, signal: AbortSignal): Promise<string> {
  let response: Response;
  let answer: { session_token?: unknown; message?: unknown };
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(document),
      signal: AbortSignal.any([signal, AbortSignal.timeout(EXCHANGE_TIMEOUT_MS)]),
    });
    answer = (await response.json()) as typeof answer;
  } catch (cause) {
    signal.throwIfAborted();
    throw new FleetError("unavailable", `Cannot exchange the machine's identity at ${url.origin}.`, {
      cause,
    });
  }
  if (response.ok && typeof answer.session_token === "string") return answer.session_token;
  // Until the build has ended, the deployment does not know the machine: it is asked again.
  const code =
    response.status === 401 ? "unauthenticated" : response.status === 404 ? "not_found" : "unavailable";
  throw new FleetError(code, String(answer.message ?? `The server answered with status ${response.status}.`));
}
