import { escapeHtml, type Rendered } from "./render.js";

export type Recipient = { email: string; name: string; username: string };

/** An email, apart from its addresses. */
export type Mail = { subject: string; text: string; html: string; headers: Record<string, string> };

const BUTTON =
  "display:inline-block;padding:10px 16px;margin:0 8px 8px 0;border-radius:6px;background:#18181b;color:#ffffff;text-decoration:none;font-weight:600";
const BODY =
  "margin:0;padding:24px;background:#f4f4f5;color:#18181b;font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif";
const CARD =
  "max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border:1px solid #e4e4e7;border-radius:8px";
const FOOT = "max-width:560px;margin:16px auto 0;color:#71717a;font-size:13px";

/** Writes the mail in plain text and HTML. Everything in it is escaped. `stopUrl`: where the user can turn it off. */
export function writeMail(
  content: Rendered,
  to: Recipient,
  accessUrl: string,
  stopUrl: string | undefined,
): Mail {
  const name = to.name || to.username;
  const { title, body, actions } = content;
  const why = `You receive this email because you have an account on ${accessUrl}.`;
  const text = [
    `Hi ${name},`,
    body,
    ...actions.map(({ label, url }) => `${label}: ${url}`),
    "-- ",
    why,
    ...(stopUrl ? [`Turn off notifications of this kind: ${stopUrl}`] : []),
  ].join("\n\n");
  const paragraphs = body
    .split(/\n{2,}/)
    .map((part) => `<p>${escapeHtml(part).replaceAll("\n", "<br>")}</p>`)
    .join("\n");
  const buttons = actions
    .map(({ label, url }) => `<a href="${escapeHtml(url)}" style="${BUTTON}">${escapeHtml(label)}</a>`)
    .join("\n");
  const stop = stopUrl
    ? ` <a href="${escapeHtml(stopUrl)}" style="color:#71717a">Turn off notifications of this kind</a>`
    : "";
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body style="${BODY}">
<div style="${CARD}">
<h1 style="margin:0 0 16px;font-size:20px">${escapeHtml(title)}</h1>
<p>Hi ${escapeHtml(name)},</p>
${paragraphs}
<p>${buttons}</p>
</div>
<p style="${FOOT}">${escapeHtml(why)}${stop}</p>
</body></html>
`;
  return {
    subject: title,
    text,
    html,
    headers: {
      "Auto-Submitted": "auto-generated",
      ...(stopUrl ? { "List-Unsubscribe": `<${stopUrl}>` } : {}),
    },
  };
}
