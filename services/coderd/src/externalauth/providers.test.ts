import { defineSettings } from "@fleet/base/settings";
import { createOauthProvider } from "../testing/oauth-provider.js";
import { authorizeUrl, exchangeCode } from "./oauth.js";
import { externalAuthSetting, type Provider } from "./providers.js";

const settings = defineSettings("test: providers", { CODER_EXTERNAL_AUTH: externalAuthSetting });
const APP = { CLIENT_ID: "id", CLIENT_SECRET: "secret" };

function read(...groups: Record<string, string>[]): Provider[] {
  const env = groups.flatMap((fields, n) =>
    Object.entries(fields).map(([name, value]) => [`CODER_EXTERNAL_AUTH_${n}_${name}`, value]),
  );
  return settings.read(Object.fromEntries(env)).CODER_EXTERNAL_AUTH;
}

const OWN = "https://git.example.com";
test.each([
  ["github", {}, "https://github.com/login/oauth/access_token", "https://github.com/a/b", "x-access-token"],
  ["gitlab", {}, "https://gitlab.com/oauth/token", "https://gitlab.com/a/b.git", "oauth2"],
  [
    "gitea",
    { AUTH_URL: `${OWN}/sub/login/oauth/authorize` },
    `${OWN}/sub/login/oauth/access_token`,
    `${OWN}/sub/a/b.git`,
    "oauth2",
  ],
  ["forgejo", {}, "https://codeberg.org/login/oauth/access_token", "https://codeberg.org/a/b", "oauth2"],
  [
    "bitbucket-cloud",
    {},
    "https://bitbucket.org/site/oauth2/access_token",
    "https://bitbucket.org/a/b",
    "x-token-auth",
  ],
  [
    "bitbucket-server",
    { AUTH_URL: `${OWN}/rest/oauth2/latest/authorize` },
    `${OWN}/rest/oauth2/latest/token`,
    `${OWN}/scm/a/b.git`,
    "x-token-auth",
  ],
  [
    "azure-devops",
    {},
    "https://app.vssps.visualstudio.com/oauth2/token",
    "https://dev.azure.com/org/project/_git/x",
    "oauth2",
  ],
  [
    "azure-devops-entra",
    { AUTH_URL: "https://login.microsoftonline.com/t/oauth2/authorize" },
    "https://login.microsoftonline.com/t/oauth2/token",
    "https://dev.azure.com/org/project/_git/x",
    "oauth2",
  ],
] as const)(
  "%s: the other settings follow from its type and its AUTH_URL",
  (TYPE, more, token, repository, user) => {
    const [provider] = read({ TYPE, ...APP, ...more });
    expect(provider).toMatchObject({ id: TYPE, endpoints: { token }, gitUsername: user });
    expect(provider!.regex!.test(repository)).toBe(true);
    expect(provider!.regex!.test(`https://evil.example/${new URL(repository).host}/x`)).toBe(false);
  },
);

test("GitHub Enterprise, Slack, JFrog and others", () => {
  const [github, slack, jfrog, other] = read(
    { TYPE: "github", ...APP, AUTH_URL: `${OWN}/login/oauth/authorize`, DEVICE_FLOW: "true" },
    { TYPE: "slack", ...APP, SCOPES: "chat:write users:read" },
    { TYPE: "jfrog", ...APP, AUTH_URL: `${OWN}/ui/authorization` },
    {
      ID: "mine",
      TYPE: "my-service",
      ...APP,
      AUTH_URL: `${OWN}/a`,
      TOKEN_URL: `${OWN}/t`,
      REGEX: "(?i)GIT\\.example",
    },
  );
  expect(github!.endpoints).toMatchObject({
    validate: `${OWN}/api/v3/user`,
    device: `${OWN}/login/device/code`,
    installations: `${OWN}/api/v3/user/installations`,
  });
  const begin = { redirectUri: "https://coder/x", state: "s", verifier: "v" };
  const url = new URL(authorizeUrl(slack!, begin));
  expect(Object.fromEntries(url.searchParams)).toMatchObject({ user_scope: "chat:write users:read" });
  expect(url.searchParams.has("code_challenge")).toBe(false);
  expect(jfrog).toMatchObject({
    endpoints: { token: `${OWN}/access/api/v1/oauth/token` },
    scopes: ["applied-permissions/user"],
    regex: undefined,
  });
  expect(other!.regex!.test("https://git.example.com/x")).toBe(true);
  expect(new URL(authorizeUrl(other!, begin)).searchParams.get("code_challenge_method")).toBe("S256");
});

test.each([
  [
    [
      { TYPE: "github", ...APP },
      { TYPE: "github", ...APP },
    ],
    'another provider has the ID "github"',
  ],
  [[{ TYPE: "github" }], "CODER_EXTERNAL_AUTH_0_CLIENT_ID is required"],
  [[{ TYPE: "github", CLIENT_ID: "id" }], "CODER_EXTERNAL_AUTH_0_CLIENT_SECRET is required"],
  [[{ ...APP }], "CODER_EXTERNAL_AUTH_0_TYPE is required"],
  [[{ TYPE: "githb", ...APP }], '"githb" is not one of the types with defaults'],
  [[{ TYPE: "bitbucket-server", ...APP }], "CODER_EXTERNAL_AUTH_0_AUTH_URL is required"],
  [[{ TYPE: "github", ID: "a/b", ...APP }], "may contain letters"],
  [[{ TYPE: "github", ...APP, REGEX: "(" }], "must be a regular expression"],
  [[{ TYPE: "github", ...APP, CLIENTID: "x" }], "CODER_EXTERNAL_AUTH_0_CLIENTID is not a setting"],
  [[{ TYPE: "github", ...APP, MCP_URL: "https://x" }], "CODER_EXTERNAL_AUTH_0_MCP_URL is not a setting"],
  [
    [{ TYPE: "github", ...APP, NO_REFRESH: "maybe" }],
    "CODER_EXTERNAL_AUTH_0_NO_REFRESH: must be true or false",
  ],
  [[{ TYPE: "slack", ...APP, DEVICE_FLOW: "true" }], "CODER_EXTERNAL_AUTH_0_DEVICE_CODE_URL is required"],
] as [Record<string, string>[], string][])("%j is refused", (groups, sentence) => {
  expect(() => read(...groups)).toThrow(sentence);
});

test("former variable names work, and the view has no secrets", () => {
  const env = {
    CODER_GITAUTH_0_TYPE: "github",
    CODER_GITAUTH_0_CLIENT_ID: "id",
    CODER_GITAUTH_0_CLIENT_SECRET: "hunter22",
  };
  const values = settings.read(env);
  expect(values.CODER_EXTERNAL_AUTH).toMatchObject([{ id: "github", clientSecret: "hunter22" }]);
  const shown = JSON.stringify(settings.show(values));
  expect([shown.includes("github"), shown.includes("hunter22")]).toEqual([true, false]);
});

test("a wrong PKCE verifier, or a wrong secret, is refused by the provider with its reason", async () => {
  await using hub = await createOauthProvider();
  const [provider] = settings.read(hub.env("hub")).CODER_EXTERNAL_AUTH;
  const redirectUri = "http://127.0.0.1/callback";
  const back = await hub.approve(authorizeUrl(provider!, { redirectUri, state: "s", verifier: "right" }));
  const code = new URL(back).searchParams.get("code")!;
  await expect(exchangeCode(provider!, { code, redirectUri, verifier: "wrong" })).rejects.toMatchObject({
    reason: "invalid_grant",
  });
  const wrong = { ...provider!, clientSecret: "wrong" };
  await expect(exchangeCode(wrong, { code, redirectUri, verifier: "right" })).rejects.toMatchObject({
    reason: "invalid_client",
  });
});
