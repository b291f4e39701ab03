import { useEffect, useEffectEvent } from "react";
import { useNavigate } from "react-router";

/** `g` and then one of these goes to a page. */
export const GO = {
  w: { to: "/workspaces", label: "Workspaces" },
  t: { to: "/templates", label: "Templates" },
  n: { to: "/notifications", label: "Notifications" },
  s: { to: "/settings/account", label: "Account" },
} as const;

/** All other keys, as the sheet shows them. */
export const KEYS: { keys: string[]; label: string }[] = [
  { keys: ["⌘", "K"], label: "Search and commands (Ctrl+K)" },
  { keys: ["/"], label: "Search the list" },
  { keys: ["↑", "↓"], label: "Move between rows" },
  { keys: ["?"], label: "Keyboard shortcuts" },
  { keys: ["Esc"], label: "Close" },
];

/** The second key of `g w` may follow for this long. */
const CHORD_MS = 1_200;

/** The keys that work on every page, except while somebody types. */
export function useShortcuts(options: { onPalette(): void; onSheet(): void }): void {
  const navigate = useNavigate();
  const onPalette = useEffectEvent(options.onPalette);
  const onSheet = useEffectEvent(options.onSheet);
  const go = useEffectEvent((to: string) => void navigate(to));
  useEffect(() => {
    let chordUntil = 0;
    const listen = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        return onPalette();
      }
      const typing =
        event.target instanceof HTMLElement &&
        event.target.closest("input, textarea, select, [contenteditable], [role=dialog], [role=menu]");
      if (typing || event.metaKey || event.ctrlKey || event.altKey) return;
      if (event.key === "?") return onSheet();
      const now = performance.now();
      if (event.key === "g") chordUntil = now + CHORD_MS;
      else if (now < chordUntil && event.key in GO) {
        chordUntil = 0;
        go(GO[event.key as keyof typeof GO].to);
      } else chordUntil = 0;
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
}
