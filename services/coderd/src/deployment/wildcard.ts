import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { parseHostPattern } from "@fleet/app-url";

const HANDSHAKE_MS = 5_000;

/**
 * Looks at the certificate that the front door, or what stands before it, shows for hosts of subdomain apps. Gives a
 * sentence where it does not cover them; undefined where it does, or where nothing can be seen of it.
 */
export async function findUncoveredWildcard(accessUrl: URL, wildcard: string): Promise<string | undefined> {
  if (accessUrl.protocol !== "https:" || wildcard === "") return undefined;
  const { suffix, domain } = parseHostPattern(wildcard);
  const host = `health${suffix}${domain}`;
  // Asked at the access URL, by the apps' name: what that name resolves to for browsers is not known here.
  const socket = connect({
    host: accessUrl.hostname.replace(/^\[|\]$/g, ""),
    port: Number(accessUrl.port || 443),
    servername: host,
    // Whoever signed it, its names are looked at.
    rejectUnauthorized: false,
  });
  try {
    return await judge(socket, host, wildcard);
  } catch {
    // The access URL's own check tells why it cannot be reached.
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
