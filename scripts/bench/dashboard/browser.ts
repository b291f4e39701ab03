import { createRequire } from "node:module";
import { resolve } from "node:path";
import type * as playwright from "../../../e2e/harness/browser.js";

type Launch = (options: {
  executablePath: string;
  args: string[];
}) => ReturnType<typeof playwright.startBrowser>;

/** Starts Chromium. Playwright is loaded from where it is installed: it cannot be bundled. */
export function startBrowser(): ReturnType<typeof playwright.startBrowser> {
  const fromE2e = createRequire(resolve("e2e/harness/browser.ts"));
  const { chromium } = fromE2e("playwright-core") as { chromium: { launch: Launch } };
  return chromium.launch({
    executablePath: process.env.E2E_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  });
}
