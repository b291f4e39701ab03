import { createGithubStandIn, GITHUB_CLIENT, type GithubAccount } from "@fleet/testkit";
import { createTestCoderd } from "../testing/coderd.js";
import { createBrowser } from "../testing/identity-provider.js";
import { createGithubProvider, type GithubOptions } from "./github.js";

const CALLBACK = "/api/v2/users/oauth2/github/callback";

async function start(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack();
  const github = stack.use(await createGithubStandIn());
  const server = stack.use(
    await createTestCoderd({
      env: {
        CODER_OAUTH2_GITHUB_ENTERPRISE_BASE_URL: github.url,
        CODER_OAUTH2_GITHUB_CLIENT_ID: GITHUB_CLIENT.id,
        CODER_OAUTH2_GITHUB_CLIENT_SECRET: GITHUB_CLIENT.secret,
        CODER_OAUTH2_GITHUB_ALLOWED_ORGS: "Acme,other",
        CODER_OAUTH2_GITHUB_ALLOW_SIGNUPS: "true",
        ...env,
      },
    }),
  );
  const owner = await server.owner();
  const browser = () => createBrowser(server.coderd.httpUrl);
  const meOf = ({ jar }: ReturnType<typeof browser>) =>
    server.clientOf(jar.get("coder_session_token")!).userGet({ params: { user: "me" } });
  return { github, server, owner, browser, meOf, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("a member of an allowed organization signs in, and is found again under another email address", async () => {
  await using test = await start();
  const browser = test.browser();
  expect(await browser.signIn(`${CALLBACK}?redirect=/templates`)).toMatchObject({
    status: 303,
    location: "http://127.0.0.1:3000/templates",
  });
  const me = await test.meOf(browser);
  expect(me).toMatchObject({
    username: "ana",
    email: "ana@example.com",
    login_type: "github",
    status: "active",
  });
  expect(me.organization_ids).toHaveLength(1);
  test.github.account.emails = [{ email: "new@example.com", primary: true, verified: true }];
  const again = test.browser();
  await again.signIn(CALLBACK);
  expect(await test.meOf(again)).toMatchObject({ id: me.id, email: "new@example.com" });
});

test.each<[string, Record<string, string>, Partial<GithubAccount>, RegExp]>([
  ["in no allowed organization", {}, { orgs: { elsewhere: "active" } }, /organization or team/],
  ["who has not accepted the invitation", {}, { orgs: { acme: "pending" } }, /organization or team/],
  [
    "in none of the allowed teams",
    { CODER_OAUTH2_GITHUB_ALLOWED_TEAMS: "acme/admins" },
    {},
    /organization or team/,
  ],
  [
    "whose primary address is not verified",
    {},
    { emails: [{ email: "owner@example.com", primary: true, verified: false }] },
    /not verified/,
  ],
  ["without an address", {}, { emails: [] }, /no valid email/],
  [
    "with the address of a user with a password",
    {},
    { emails: [{ email: "owner@example.com", primary: true, verified: true }] },
    /signs in with a password/,
  ],
  ["without an account", { CODER_OAUTH2_GITHUB_ALLOW_SIGNUPS: "false" }, {}, /cannot be used to sign up/],
])("a user %s does not get in", async (_name, env, account, message) => {
  await using test = await start(env);
  Object.assign(test.github.account, account);
  const browser = test.browser();
  const answer = await browser.signIn(CALLBACK);
  expect(answer).toMatchObject({ status: 403, message: expect.stringMatching(message) });
  expect(browser.jar.has("coder_session_token")).toBe(false);
});

test("the second page of organizations counts, and a team of an allowed organization", async () => {
  await using test = await start({ CODER_OAUTH2_GITHUB_ALLOWED_TEAMS: "acme/admins,acme/builders" });
  const many = Array.from({ length: 150 }, (_, at) => [`org-${at}`, "active"] as const);
  test.github.account.orgs = { ...Object.fromEntries(many), acme: "active" };
  expect(await test.browser().signIn(CALLBACK)).toMatchObject({ status: 303 });
});

test("a code that GitHub does not know is refused in its words", async () => {
  await using test = await start();
  const browser = test.browser();
  const callback = new URL(await browser.toProvider(CALLBACK));
  callback.searchParams.set("code", "other");
  expect(await browser.get(callback.href)).toMatchObject({
    status: 403,
    message: "GitHub refused the sign-in: The request is wrong: bad_verification_code.",
  });
});

test("with the device flow, polls wait for the user, and then sign the browser in", async () => {
  await using test = await start({
    CODER_OAUTH2_GITHUB_DEVICE_FLOW: "true",
    CODER_OAUTH2_GITHUB_CLIENT_SECRET: "",
  });
  const browser = test.browser();
  const page = new URL((await browser.get(`${CALLBACK}?redirect=/workspaces`)).location);
  expect([page.pathname, page.searchParams.get("redirect")]).toEqual(["/login/device", "/workspaces"]);
  const device = await test.server.anonymous.githubDevice();
  const poll = () =>
    browser.get(`${CALLBACK}?code=${device.device_code}&state=${page.searchParams.get("state")}`);
  for (let times = 0; times < 2; times++) {
    const { status, response, message } = await poll();
    expect([status, message]).toEqual([400, "The sign-in has not been permitted yet."]);
    expect(response.headers.get("set-cookie")).toBeNull();
  }
  test.github.permitDevice(device.user_code);
  expect(await poll()).toMatchObject({ status: 200 });
  expect(await test.meOf(browser)).toMatchObject({ username: "ana" });
  expect(await poll()).toMatchObject({ status: 403 });
});

test.each<[Partial<GithubOptions>, string]>([
  [{ allowedOrgs: [] }, "CODER_OAUTH2_GITHUB_ALLOWED_ORGS: is required"],
  [{ allowEveryone: true }, "CODER_OAUTH2_GITHUB_ALLOW_EVERYONE: cannot"],
  [{ allowedTeams: ["builders"] }, "must be written as organization/team"],
  [{ clientSecret: undefined }, "CODER_OAUTH2_GITHUB_CLIENT_SECRET: is required"],
])("settings that do not fit together are refused: %j", (changed, message) => {
  const options = {
    clientId: "id",
    clientSecret: "secret",
    redirectUrl: "http://127.0.0.1/",
    enterpriseUrl: undefined,
    deviceFlow: false,
    devicePage: "http://127.0.0.1/",
    allowEveryone: false,
    allowedOrgs: ["acme"],
    allowedTeams: [],
    admission: { signUps: true, emailDomains: [] },
  };
  expect(() => createGithubProvider({ ...options, ...changed })).toThrow(message);
});
