/** The address if it is safe to follow from a text that is not trusted, else undefined. */
export function safeHref(href: string): string | undefined {
  try {
    const { protocol } = new URL(href, location.origin);
    return ["http:", "https:", "mailto:"].includes(protocol) ? href : undefined;
  } catch {
    return undefined;
  }
}
