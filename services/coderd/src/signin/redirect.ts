/**
 * Where to go after a sign-in: a path of this site. Anything that would leave it is the start page: another origin, also
 * one written with backslashes or without a scheme.
 */
export function redirectPath(wanted: string | undefined, accessUrl: string): string {
  const url = wanted ? URL.parse(wanted, accessUrl) : null;
  if (!url || url.origin !== new URL(accessUrl).origin || url.pathname.startsWith("//")) return "/";
  return url.pathname + url.search + url.hash;
}
