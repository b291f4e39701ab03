import type { Question } from "../../oauth2/authorization.js";
import type { Reply } from "../reply.js";
import { html, pageReply } from "./page.js";
import { scopeWords } from "./scope-words.js";

/** Asks a user whether the app may act on their behalf. `proof` is sent back with the answer. */
export function consentPage(options: {
  question: Question;
  username: string;
  email: string;
  proof: string;
}): Reply {
  const { question, username, email, proof } = options;
  const { app, redirectUri, scopes } = question;
  const words = scopeWords(scopes);
  const who = html`<p class="muted">You are signed in as <strong>${username}</strong>${email ? html` (${email})` : undefined}.</p>`;
  const unreviewed = html`<p class="notice">This app registered itself, and no administrator has reviewed it. Its name can be anything. Only continue if you started this yourself.</p>`;
  return pageReply({
    title: `Authorize ${app.name}`,
    lead: html`<p class="muted"><strong><bdi>${app.name}</bdi></strong> wants to access this deployment with your account.</p>`,
    body: html`${app.registrationHash ? unreviewed : undefined}
<section class="card">
<p>${words ? "It will be able to use:" : html`It will have <strong>full access</strong>: it can do everything that you can do, with all workspaces, templates and settings that you have access to.`}</p>
${words ? html`<ul class="list">${words.map((line) => html`<li>${line}</li>`)}</ul>` : undefined}
<p class="muted">You will be sent to <code>${destinationOf(redirectUri)}</code></p>
</section>
${who}
<form method="post">
<input type="hidden" name="proof" value="${proof}">
<div class="buttons">
<button name="decision" value="deny">Cancel</button>
<button class="primary" name="decision" value="approve">Authorize</button>
</div>
</form>
<p class="faint">You can revoke this access at any time.</p>`,
    formAction: [sourceOf(redirectUri)],
  });
}

/** Where the browser goes, as far as a person can judge it: a host, or an app on this computer. */
function destinationOf(uri: string): string {
  const url = new URL(uri);
  return url.protocol === "http:" || url.protocol === "https:" ? url.origin : `${url.protocol}//${url.host}`;
}

/** Browsers apply form-action to redirects, too. */
function sourceOf(uri: string): string {
  const url = new URL(uri);
  return url.protocol === "http:" || url.protocol === "https:" ? url.origin : url.protocol;
}
