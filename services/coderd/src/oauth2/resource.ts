/**
 * Whether a resource indicator (RFC 8707) names this deployment, which is one resource: its tokens are valid for the
 * whole API. A trailing slash does not matter.
 */
export function isThisResource(resource: string, accessUrl: string): boolean {
  const [asked, own] = [URL.parse(resource), new URL(accessUrl)];
  if (!asked || resource.includes("#")) return false;
  return withoutSlash(asked.href) === withoutSlash(own.href);
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, "");
}
