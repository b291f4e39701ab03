import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { parseHostPattern } from "@fleet/app-url";

const HANDSHAKE_MS = 5_000;

/**
 * Checks the certificate served for hosts of subdomain apps, by the proxy or whatever terminates TLS before it. Returns
 * a message if it does not cover them; undefined if it does or cannot be checked.
 */
export async function findUncoveredWildcard(accessUrl: URL, wildcard: string): Promise<string | undefined> {
  if (accessUrl.protocol !== "https:" || wildcard === "") return undefined;
  const { suffix, domain } = parseHostPattern(wildcard);
  const host = `health${suffix}${domain}`;
  // Connects to the access URL's host with the apps' server name, since the address that browsers resolve for that name
  // is not known here.
  const socket = connect({
    host: accessUrl.hostname.replace(/^\[|\]$/g, ""),
    port: Number(accessUrl.port || 443),
    servername: host,
    // Only the names matter, not who signed it.
    rejectUnauthorized: false,
  });
  try {
    return await judge(socket, host, wildcard);
  } catch {
    // The access URL's own check reports why it cannot be reached.
    return undefined;
  } finally {
    socket.destroy();
  }
}

async function judge(socket: TLSSocket, host: string, wildcard: string): Promise<string | undefined> {
  await once(socket, "secureConnect", { signal: AbortSignal.timeout(HANDSHAKE_MS) });
  const certificate = socket.getPeerX509Certificate();
  if (!certificate || certificate.checkHost(host)) return undefined;
  return `The certificate served for ${wildcard} covers ${certificate.subjectAltName ?? "nothing"}, so browsers reject workspace apps. Use a certificate that also covers the wildcard hostname, or unset CODER_WILDCARD_ACCESS_URL.`;
}
