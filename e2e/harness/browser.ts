import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

export type { BrowserContext, Page };

const CHROMIUM = process.env.E2E_CHROMIUM ?? "/usr/bin/chromium";

/** Starts Chromium; use with `await using`. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  });
}
