import { createHash } from "node:crypto";

/** The content of an error page. All of it is escaped. */
export type ErrorPage = {
  status: number;
  title: string;
  /** Sentences for the user. */
  message: string;
  /** Machine-readable code. */
  code?: string;
  action?: { url: string; label: string };
  /** Something is going on that ends this state: a bar moves. */
  busy?: boolean;
  requestId?: string;
};

const STYLE = `:root{color-scheme:light dark;--bg:#f7f8fa;--card:#fff;--ink:#1b1f27;--soft:#5b6472;--line:#dfe3ea;--accent:#2459d6}
@media (prefers-color-scheme:dark){:root{--bg:#101318;--card:#181c23;--ink:#e8ebf0;--soft:#98a2b3;--line:#2a303b;--accent:#7ea6ff}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:34rem;width:100%;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:32px}
p{margin:0 0 12px;color:var(--soft);overflow-wrap:anywhere}h1{margin:0 0 12px;font-size:1.4rem;line-height:1.3;overflow-wrap:anywhere}
.status{font-size:.85rem;font-variant-numeric:tabular-nums;letter-spacing:.04em;margin-bottom:8px}
.action{display:inline-block;margin-top:8px;padding:9px 16px;border-radius:8px;background:var(--accent);color:var(--card);text-decoration:none;font-weight:600}
.action:focus-visible{outline:3px solid var(--ink);outline-offset:2px}.busy{height:4px;border-radius:2px;margin:16px 0 4px;overflow:hidden;background:var(--line)}.busy i{display:block;height:100%;width:30%;border-radius:2px;background:var(--accent);animation:b 1.6s ease-in-out infinite}
@keyframes b{from{transform:translateX(-110%)}to{transform:translateX(350%)}}@media (prefers-reduced-motion:reduce){.busy i{animation:none;width:100%}}
small{display:block;margin-top:20px;color:var(--soft);font-size:.8rem;overflow-wrap:anywhere}`;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/** Headers of such a page. */
export const ERROR_PAGE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`,
  "Referrer-Policy": "no-referrer",
};

/** Renders a self-contained page: no scripts, no images, no external resources. */
export function renderErrorPage({
  status,
  title,
  message,
  code,
  action,
  busy = false,
  requestId,
}: ErrorPage): string {
  const bar = busy ? '<div class="busy" role="progressbar" aria-label="Loading"><i></i></div>' : "";
  const link =
    action && isSafeLink(action.url)
      ? `<a class="action" href="${escapeHtml(action.url)}">${escapeHtml(action.label)}</a>`
      : "";
  const notes = [code && `Error ${code}`, requestId && `Request ${requestId}`].filter(Boolean).join(" · ");
  const reference = notes ? `<small>${escapeHtml(notes)}</small>` : "";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main><p class="status">${status}</p><h1>${escapeHtml(title)}</h1><p>${escapeHtml(message)}</p>${bar}${link}${reference}</main></body></html>
`;
}

function isSafeLink(url: string): boolean {
  return /^https?:\/\//i.test(url) || (url.startsWith("/") && !url.startsWith("//"));
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
