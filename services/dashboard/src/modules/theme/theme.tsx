import { Monitor, Moon, Sun } from "lucide-react";
import { useSyncExternalStore } from "react";
import { MenuItem } from "../ui/menu.js";

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
    // Storage can be blocked: the choice then lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, readTheme);
}

const NEXT: Record<Theme, { theme: Theme; label: string; icon: typeof Sun }> = {
  system: { theme: "light", label: "Theme: system", icon: Monitor },
  light: { theme: "dark", label: "Theme: light", icon: Sun },
  dark: { theme: "system", label: "Theme: dark", icon: Moon },
};

/** Goes round system, light and dark. */
export function ThemeMenuItem() {
  const { theme, label, icon: Icon } = NEXT[useTheme()];
  return (
    <MenuItem icon={<Icon aria-hidden />} onSelect={() => setTheme(theme)}>
      {label}
    </MenuItem>
  );
}
