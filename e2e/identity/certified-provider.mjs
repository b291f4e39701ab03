/**
 * oidc-provider, certified by the OpenID Foundation, with the pages of its development mode, as a process of its own.
 * It tells its parent its issuer, and serves once the parent has told it where the deployment is.
 */
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

/** What it says about its users. */
const USERS = {
  ana: { name: "Ana B", email: "ana@example.com", email_verified: true, groups: ["builders"] },
  mallory: { name: "Mallory", email: "owner@example.com", email_verified: false },
};

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

process.on("message", ({ fleetUrl, clientJwk }) => {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "coder",
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [clientJwk] },
        redirect_uris: [`${fleetUrl}/api/v2/users/oidc/callback`],
        post_logout_redirect_uris: [`${fleetUrl}/login`],
        grant_types: ["authorization_code", "refresh_token"],
      },
    ],
    pkce: { required: () => true },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, ...USERS[id] }),
    }),
    claims: {
      openid: ["sub", "groups"],
      email: ["email", "email_verified"],
      profile: ["name", "preferred_username"],
    },
    cookies: { keys: ["a key of this test"] },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  });
  server.on("request", provider.callback());
  process.send({ serving: true });
});
process.on("disconnect", () => process.exit());
process.send({ issuer });
