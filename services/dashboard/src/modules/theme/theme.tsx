import { Monitor, Moon, Sun } from "lucide-react";
import { useSyncExternalStore } from "react";
import { MenuChoices } from "../ui/menu.js";

/** `system` follows the browser's prefers-color-scheme. public/theme.js reads the same key before the first paint. */
export type Theme = "system" | "light" | "dark";
const KEY = "theme";
const listeners = new Set<() => void>();

function readTheme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

export function setTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage can be blocked: the choice then lasts until the page is closed.
  }
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, readTheme);
}

const CHOICES = [
  { value: "system", label: "System", icon: <Monitor aria-hidden /> },
  { value: "light", label: "Light", icon: <Sun aria-hidden /> },
  { value: "dark", label: "Dark", icon: <Moon aria-hidden /> },
];

/** The themes, one of them chosen; the menu stays open, so that each can be looked at. */
export function ThemeMenuItems() {
  return (
    <MenuChoices
      label="Theme"
      value={useTheme()}
      choices={CHOICES}
      onChange={(theme) => setTheme(theme as Theme)}
    />
  );
}
