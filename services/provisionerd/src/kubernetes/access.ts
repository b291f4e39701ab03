import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { FleetError } from "@fleet/base";

/** An operation of a service account on a kind of object. */
export type Access = { namespace: string; group: string; resource: string; verb: string };

export type ApiServer = {
  host: string;
  port: number;
  /** Folder with `token` and `ca.crt`, as Kubernetes mounts them into a pod. */
  credentials: string;
};

const ANSWER_MS = 5_000;
const REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/**
 * Returns whether the pod's service account may perform the operation. Throws `unavailable` with the reason if the API
 * server cannot answer.
 */
export async function mayAccess(server: ApiServer, access: Access): Promise<boolean> {
  // Read each time, because the kubelet replaces the token well before it expires.
  const [token, ca] = await readCredentials(server);
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: access },
  };
  const { status, body } = await post(server, ca, token, JSON.stringify(review)).catch((cause) => {
    throw new FleetError("unavailable", `the API server did not respond: ${cause.message}`, { cause });
  });
  if (status !== 201) throw new FleetError("unavailable", `the API server returned status ${status}`);
  return (JSON.parse(body) as { status?: { allowed?: boolean } }).status?.allowed === true;
}

/** Name of the pod's service account, as in the API server's messages. */
export async function accountOf(server: ApiServer): Promise<string> {
  const [token] = await readCredentials(server);
  try {
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
    return String((JSON.parse(payload) as { sub?: string }).sub);
  } catch {
    // The token is not a JWT.
    return "of the pod";
  }
}

async function readCredentials({ credentials }: ApiServer): Promise<[token: string, ca: string]> {
  try {
    const [token, ca] = await Promise.all(
      ["token", "ca.crt"].map((file) => readFile(join(credentials, file), "utf8")),
    );
    return [token!.trim(), ca!];
  } catch (cause) {
    throw new FleetError("unavailable", "the pod has no service account token", { cause });
  }
}

function post(
  { host, port }: ApiServer,
  ca: string,
  token: string,
  body: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ method: "POST", host, port, path: REVIEWS, ca, signal: AbortSignal.timeout(ANSWER_MS) },
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      },
      (response) => {
        text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
      },
    );
    asked.once("error", reject);
    asked.end(body);
  });
}
