import { createHash } from "node:crypto";
import { Reply } from "../reply.js";

/*
 * Pages that the server renders itself: questions and messages in a sign-in flow, which must work without the dashboard
 * and must not be scripted. Their look is the dashboard's (services/dashboard/src/styles.css).
 */

/** HTML whose values are escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | readonly Html[] | undefined;

/** Builds HTML; every value that is not HTML itself is escaped. */
export function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(
    parts.reduce(
      (text, part, index) => `${text}${part}${index < values.length ? rendered(values[index]) : ""}`,
      "",
    ),
  );
}

function rendered(value: Value): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(({ text }) => text).join("");
  return escaped(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

const STYLE = `
:root {
  color-scheme: light dark;
  --canvas: light-dark(#f7f7f8, #0e0f12); --surface: light-dark(#ffffff, #15171b);
  --hover: light-dark(#f0f1f4, #20242b); --line: light-dark(#e4e5ea, #272b33);
  --line-strong: light-dark(#cdd0d8, #3a404b); --ink: light-dark(#17191f, #eceef2);
  --muted: light-dark(#5a6070, #a0a7b5); --faint: light-dark(#656b7a, #7f8795);
  --accent: light-dark(#4453d6, #8593ff); --accent-strong: light-dark(#3743b8, #a3aeff);
  --on-accent: light-dark(#ffffff, #0d1033);
  --warn: light-dark(#8f5b00, #e3b04c); --warn-soft: light-dark(#fcf2dc, #352810);
}
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--canvas); color: var(--ink); -webkit-font-smoothing: antialiased;
  font: 0.875rem/1.375rem system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
}
main {
  display: flex; flex-direction: column; justify-content: center; gap: 1.5rem;
  min-height: 100dvh; max-width: 26rem; margin: 0 auto; padding: 2.5rem 1rem;
}
h1 { margin: 0.75rem 0 0; font-size: 1.25rem; line-height: 1.75rem; font-weight: 600; letter-spacing: -0.01em; overflow-wrap: anywhere; }
p { margin: 0; overflow-wrap: anywhere; }
.muted { color: var(--muted); }
.faint { color: var(--faint); font-size: 0.8125rem; line-height: 1.25rem; }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 0.75rem; padding: 1rem; }
.card > * + * { margin-top: 0.75rem; }
.notice { background: var(--warn-soft); color: var(--warn); border-radius: 0.5rem; padding: 0.625rem 0.75rem; }
ul { margin: 0; padding: 0; list-style: none; }
li { padding: 0.375rem 0; border-top: 1px solid var(--line); }
li:first-child { border-top: 0; padding-top: 0; }
li:last-child { padding-bottom: 0; }
.list { max-height: 16rem; overflow-y: auto; }
code { font-family: ui-monospace, "SF Mono", "Cascadia Code", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.8125rem; overflow-wrap: anywhere; }
.buttons { display: flex; gap: 0.5rem; }
button {
  flex: 1; height: 2.125rem; padding: 0 0.875rem; border: 1px solid var(--line-strong); border-radius: 0.5rem;
  background: var(--surface); color: var(--ink); font: inherit; font-weight: 500; cursor: pointer;
}
button:hover { background: var(--hover); }
button.primary { background: var(--accent); border-color: transparent; color: var(--on-accent); }
button.primary:hover { background: var(--accent-strong); }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg rect { fill: var(--accent); }
svg path { stroke: var(--on-accent); }
`;
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

const MARK = new Html(
  `<svg viewBox="0 0 32 32" width="36" height="36" aria-hidden="true"><rect width="32" height="32" rx="8"/><path d="M9 10h14M9 16h10M9 22h6" stroke-width="3" stroke-linecap="round" fill="none"/></svg>`,
);

export type Page = {
  title: string;
  lead?: Html;
  body?: Html;
  /** Where its form may lead, besides this server: sources of a Content-Security-Policy. */
  formAction?: readonly string[];
};

/** The page as a document, and the headers that it must be sent with. */
export function renderPage({ title, lead, body, formAction = [] }: Page): {
  document: string;
  headers: Record<string, string>;
} {
  // The script only applies the theme that the user chose in the dashboard.
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<script src="/theme.js"></script>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
<div>${MARK}<h1>${title}</h1>${lead}</div>
${body}
</main>
</body>
</html>
`;
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${STYLE_HASH}'`,
    "script-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ["form-action 'self'", ...formAction].join(" "),
  ];
  return {
    document: text,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": policy.join("; "),
      "X-Frame-Options": "DENY",
      "Cache-Control": "no-store",
      // With no-referrer, browsers would send the form with `Origin: null`.
      "Referrer-Policy": "same-origin",
    },
  };
}

/** The page as the answer of a handler. */
export function pageReply(page: Page): Reply {
  const { document, headers } = renderPage(page);
  return new Reply(document, { headers });
}
