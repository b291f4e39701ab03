const nameOf = (pair: string) => pair.slice(0, pair.indexOf("=") < 0 ? undefined : pair.indexOf("=")).trim();

/** The value of the first cookie of that name in a `Cookie` header. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (!header?.includes(name)) return undefined;
  for (const pair of header.split(";")) {
    if (nameOf(pair) !== name) continue;
    const value = pair.slice(pair.indexOf("=") + 1).trim();
    return value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value;
  }
  return undefined;
}

/** A cookie of the deployment for the browser: out of reach of scripts, and bound to the host where no domain is named. */
export function deploymentCookie(
  name: string,
  value: string,
  at: { path: string; domain?: string; maxAgeSeconds: number; secure: boolean },
): string {
  const parts = [
    `${name}=${value}`,
    `Path=${at.path}`,
    `Max-Age=${Math.max(0, at.maxAgeSeconds)}`,
    "HttpOnly",
    "SameSite=Lax",
  ];
  if (at.domain) parts.push(`Domain=${at.domain}`);
  if (at.secure) parts.push("Secure");
  return parts.join("; ");
}
