import type { Reply } from "../reply.js";
import { html, pageReply } from "./page.js";

/** Asks a user whether an SSH client may connect to their workspaces. `proof` is sent back with the answer. */
export function sshSignInPage(options: {
  signIn: { code: string; address: string; client: string };
  username: string;
  proof: string;
}): Reply {
  const { signIn, username, proof } = options;
  return pageReply({
    title: "Allow this SSH connection?",
    lead: html`<p class="muted">An SSH client wants to connect to your workspaces as <strong>${username}</strong>.</p>`,
    body: html`<section class="card">
<ul class="list">
<li>Code: <strong><code>${signIn.code}</code></strong></li>
<li>Address: <code>${signIn.address}</code></li>
<li>Program: <code>${signIn.client}</code></li>
</ul>
<p class="notice">Allow it only if you started it yourself a moment ago, and your terminal shows the same code. If somebody sent you this link, deny it.</p>
</section>
<form method="post">
<input type="hidden" name="proof" value="${proof}">
<div class="buttons">
<button name="decision" value="deny">Deny</button>
<button class="primary" name="decision" value="allow">Allow</button>
</div>
</form>
<p class="faint">The connection ends when you sign out. Register a key with "coder ssh-keys add" to connect without this page.</p>`,
  });
}

export function sshSignInDonePage(allowed: boolean): Reply {
  return pageReply(
    allowed
      ? {
          title: "SSH connection allowed",
          body: html`<p>Return to your terminal. You can close this page.</p>`,
        }
      : {
          title: "SSH connection denied",
          body: html`<p>The SSH client was refused. You can close this page.</p>`,
        },
  );
}
