import { useSyncExternalStore } from "react";

/** Widths at which layouts change, in pixels; Tailwind's names. */
export const WIDTHS = { sm: 640, md: 768, lg: 1024, xl: 1280, "2xl": 1536 } as const;
export type WidthName = keyof typeof WIDTHS;

/** True while the window has at least this width. */
export function useIsWide(name: WidthName): boolean {
  const query = `(min-width: ${WIDTHS[name]}px)`;
  return useSyncExternalStore(
    (changed) => {
      const media = window.matchMedia(query);
      media.addEventListener("change", changed);
      return () => media.removeEventListener("change", changed);
    },
    () => window.matchMedia(query).matches,
  );
}

/** The names of all widths that the window has. */
export function useWidths(): ReadonlySet<WidthName> {
  const wide: Record<WidthName, boolean> = {
    sm: useIsWide("sm"),
    md: useIsWide("md"),
    lg: useIsWide("lg"),
    xl: useIsWide("xl"),
    "2xl": useIsWide("2xl"),
  };
  return new Set((Object.keys(WIDTHS) as WidthName[]).filter((name) => wide[name]));
}
