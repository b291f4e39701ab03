/** The URL if it is safe in untrusted text, otherwise undefined. */
export function safeHref(href: string): string | undefined {
  try {
    const { protocol } = new URL(href, location.origin);
    return ["http:", "https:", "mailto:"].includes(protocol) ? href : undefined;
  } catch {
    return undefined;
  }
}
