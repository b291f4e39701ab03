/** A `Set-Cookie` value for the deployment: HttpOnly, and host-only unless a domain is given. */
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
