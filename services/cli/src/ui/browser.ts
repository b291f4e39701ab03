import { spawn } from "node:child_process";

const OPENERS: Partial<Record<NodeJS.Platform, string[]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
  linux: ["xdg-open"],
};

/** After this long, the opener is assumed to have started something. */
const SETTLED_AFTER_MS = 3000;

/** Opens a URL with the desktop's opener. Resolves with whether one succeeded. */
export async function openInBrowser(url: string): Promise<boolean> {
  const [command, ...args] = OPENERS[process.platform] ?? ["xdg-open"];
  return new Promise((resolve) => {
    const child = spawn(command!, [...args, url], { stdio: "ignore", detached: true });
    const settle = (taken: boolean) => {
      clearTimeout(timer);
      child.unref();
      resolve(taken);
    };
    const timer = setTimeout(settle, SETTLED_AFTER_MS, true);
    child.once("error", () => settle(false));
    child.once("exit", (code) => settle(code === 0));
  });
}
