import { isValidElement } from "react";
import { matchRoutes, type RouteObject } from "react-router";

/**
 * Fetches the code of a page as soon as somebody points at a link to it, or moves the focus there. Returns a function that stops
 * this.
 */
export function preloadOnIntent(routes: RouteObject[]): () => void {
  const seen = new Set<string>();
  const look = ({ target }: Event) => {
    const link = target instanceof Element ? target.closest<HTMLAnchorElement>("a[href]") : null;
    if (!link || link.origin !== location.origin || seen.has(link.pathname)) return;
    seen.add(link.pathname);
    for (const { route } of matchRoutes(routes, link.pathname) ?? []) {
      const type: unknown = isValidElement(route.element) ? route.element.type : undefined;
      if (isPreloadable(type)) type.preload();
    }
  };
  const events = ["pointerover", "focusin"] as const;
  for (const event of events) document.addEventListener(event, look);
  return () => {
    for (const event of events) document.removeEventListener(event, look);
  };
}

function isPreloadable(type: unknown): type is { preload(): void } {
  return typeof type === "object" && type !== null && "preload" in type;
}
