import { FleetError } from "@fleet/base";

export type IdentityKind = "aws-instance-identity" | "azure-instance-identity" | "google-instance-identity";

/** Where the clouds' metadata services are: link-local, so that only the machine itself reaches them. */
export const METADATA_URLS: Record<IdentityKind, string> = {
  "aws-instance-identity": "http://169.254.169.254",
  "azure-instance-identity": "http://169.254.169.254",
  "google-instance-identity": "http://metadata.google.internal",
};

/** The audience that the deployment expects in a Google token. */
const GOOGLE_AUDIENCE = "coder";
const REQUEST_TIMEOUT_MS = 5_000;
/** A document is a few KiB. */
const MAX_DOCUMENT_BYTES = 256 * 1024;
/** Lifetime of an IMDSv2 session, in seconds. */
const AWS_SESSION_SECONDS = "60";

/** What the deployment's route for the cloud takes. */
export type IdentityDocument = Record<string, string>;

/** Fetches the machine's identity from its cloud's metadata service. Throws `unavailable` if there is none. */
export async function machineIdentity(
  kind: IdentityKind,
  signal: AbortSignal,
  baseUrl = METADATA_URLS[kind],
): Promise<IdentityDocument> {
  const ask = (path: string, headers: Record<string, string>, method = "GET") =>
    request(new URL(path, baseUrl), { method, headers }, signal);
  switch (kind) {
    case "aws-instance-identity": {
      // IMDSv2. An instance that offers only version 1 answers without a session.
      const session = await ask(
        "/latest/api/token",
        { "X-aws-ec2-metadata-token-ttl-seconds": AWS_SESSION_SECONDS },
        "PUT",
      ).catch(() => undefined);
      const headers: Record<string, string> = session ? { "X-aws-ec2-metadata-token": session } : {};
      const [signature, document] = await Promise.all(
        ["signature", "document"].map((name) => ask(`/latest/dynamic/instance-identity/${name}`, headers)),
      );
      return { signature: signature!.replace(/\s+/g, ""), document: document! };
    }
    case "azure-instance-identity": {
      const text = await ask("/metadata/attested/document?api-version=2020-09-01", { Metadata: "true" });
      return attestedIn(text);
    }
    case "google-instance-identity": {
      const path = `/computeMetadata/v1/instance/service-accounts/default/identity?audience=${GOOGLE_AUDIENCE}&format=full`;
      return { json_web_token: (await ask(path, { "Metadata-Flavor": "Google" })).trim() };
    }
  }
}

function attestedIn(text: string): IdentityDocument {
  try {
    const { signature, encoding } = JSON.parse(text) as { signature?: unknown; encoding?: unknown };
    return { signature: String(signature ?? ""), encoding: String(encoding ?? "") };
  } catch (cause) {
    throw new FleetError("unavailable", "The metadata service does not answer with JSON.", { cause });
  }
}

async function request(url: URL, init: RequestInit, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
  try {
    const response = await fetch(url, { ...init, redirect: "error", signal: limit });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await textOf(response);
  } catch (cause) {
    signal.throwIfAborted();
    throw new FleetError("unavailable", `The metadata service at ${url.origin} does not answer.`, { cause });
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_DOCUMENT_BYTES) throw new Error("The answer is too large.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
