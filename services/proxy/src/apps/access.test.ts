import { once } from "node:events";
import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { browser, fleetWithApp, HOST, onHost, PATH, signedIn } from "../testing/app.js";
import { fetchFrom, USER_ID, USER_TOKEN } from "../testing/fleet.js";

test("a signed token opens its own app's host without a request to coderd", async () => {
  await using fleet = await fleetWithApp();
  const { address } = fleet.proxy;
  const other = fleet.addApp({ slugOrPort: "other", url: fleet.app.url });
  const otherHost = "other--main--dev--ana.apps.test";
  const first = await fetchFrom(address, "/", { headers: onHost });
  await fetchFrom(address, "/", { headers: { ...onHost, Host: otherHost } });
  const asked = fleet.coderd.asked.length;
  const Cookie = first.headers["set-cookie"]![0]!.split(";")[0]!;
  const reply = await fetchFrom(address, "/x", { headers: { Host: HOST, Cookie } });
  expect(reply.status).toBe(200);
  expect(reply.headers).not.toHaveProperty("set-cookie");
  expect(fleet.coderd.asked).toHaveLength(asked);

  const statusOn = async (host: string, token: string) =>
    (await fetchFrom(address, "/", { headers: { Host: host, Cookie: `coder_signed_app_token=${token}` } }))
      .status;
  expect(await statusOn(otherHost, Cookie.split("=")[1]!)).toBe(303);
  const forged = await fleet.coderd.signedToken(other);
  expect(await statusOn(otherHost, `${forged.slice(0, -4)}AAAA`)).toBe(303);
  expect(await statusOn(otherHost, forged)).toBe(200);
});

test("a signed token in a URL or cookie gives no access on the deployment's own origin", async () => {
  await using fleet = await fleetWithApp();
  await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  const token = await fleet.coderd.signedToken(fleet.app);
  const planted = await fetchFrom(fleet.proxy.address, `${PATH}/?coder_signed_app_token_23db1dde=${token}`, {
    headers: { Cookie: `coder_signed_app_token=${token}` },
  });
  expect(planted.status).toBe(303);
});

test("revoked access is no longer cached, and open WebSockets are closed", async () => {
  await using fleet = await fleetWithApp();
  const token = await fleet.coderd.signedToken(fleet.app);
  await fetchFrom(fleet.proxy.address, "/", { headers: onHost });
  const socket = new WebSocket(`ws://${fleet.proxy.address}${PATH}/ws`, { headers: signedIn });
  await once(socket, "open");
  const closed = once(socket, "close");
  fleet.app.tokens = [];
  await fleet.coderd.push({ case: "accessChanged", value: { subjects: [`user:${USER_ID}`] } });
  await closed;
  const remembered = await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  expect(remembered.status).toBe(404);
  const signed = await fetchFrom(fleet.proxy.address, "/", {
    headers: { Host: HOST, Cookie: `coder_signed_app_token=${token}` },
  });
  expect(signed.status).toBe(303);
});

test("an anonymous browser is redirected to log in; other clients receive 401", async () => {
  await using fleet = await fleetWithApp();
  const page = await fetchFrom(fleet.proxy.address, `${PATH}/x?y=1`, {
    headers: { Host: "coder.test", ...browser },
  });
  expect(page.status).toBe(303);
  expect(page.headers.location).toBe(
    `http://coder.test/login?redirect=${encodeURIComponent(`http://coder.test${PATH}/x?y=1`)}`,
  );
  const post = await fetchFrom(fleet.proxy.address, `${PATH}/x`, { method: "POST" });
  expect(post.status).toBe(401);
  const refused = await fetchFrom(fleet.proxy.address, "/@ana/dev.main/apps/none/", {
    headers: { ...signedIn, ...browser },
  });
  expect(refused.status).toBe(404);
  expect(refused.text).toContain("<h1>App not found</h1>");
});

test("a key from the access URL is exchanged for the host's own cookie, once", async () => {
  await using fleet = await fleetWithApp();
  fleet.coderd.appKeys.set("k3y", { hostname: HOST, sessionToken: USER_TOKEN });
  const start = await fetchFrom(fleet.proxy.address, "/deep?a=1", { headers: { Host: HOST, ...browser } });
  expect(start.headers.location).toBe(
    `http://coder.test/api/v2/applications/auth-redirect?redirect_uri=${encodeURIComponent(`http://${HOST}/deep?a=1`)}`,
  );
  const withKey = "/deep?a=1&coder_application_connect_api_key_35e783=k3y";
  const exchanged = await fetchFrom(fleet.proxy.address, withKey, { headers: { Host: HOST } });
  expect(exchanged.status).toBe(303);
  expect(exchanged.headers.location).toBe("/deep?a=1");
  for (const start of ["//", "/\\", "///"]) {
    fleet.coderd.appKeys.set("away", { hostname: HOST, sessionToken: USER_TOKEN });
    const away = `${start}evil.test/?coder_application_connect_api_key_35e783=away`;
    const { headers } = await fetchFrom(fleet.proxy.address, away, { headers: { Host: HOST } });
    expect(headers.location).toBe("/evil.test/");
  }
  const [cookie] = exchanged.headers["set-cookie"]!;
  expect(cookie).toMatch(
    /^coder_subdomain_app_session_token=user-secret; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Domain=apps\.test$/,
  );
  const opened = await fetchFrom(fleet.proxy.address, "/deep?a=1", {
    headers: { Host: HOST, Cookie: cookie!.split(";")[0]! },
  });
  expect(JSON.parse(opened.text).url).toBe("/deep?a=1");
  const again = await fetchFrom(fleet.proxy.address, withKey, { headers: { Host: HOST, ...browser } });
  expect(again.status).toBe(400);
  expect(again.text).toContain('href="/deep?a=1"');
});

test("cookies are Secure if the access URL is https", async () => {
  await using fleet = await fleetWithApp();
  fleet.coderd.settings.accessUrl = "https://coder.test";
  await fleet.coderd.pushSettings();
  fleet.coderd.appKeys.set("k", { hostname: HOST, sessionToken: USER_TOKEN });
  await waitFor(
    async () => {
      const reply = await fetchFrom(fleet.proxy.address, "/", { headers: onHost });
      return reply.headers["set-cookie"]?.[0]?.endsWith("; Secure");
    },
    { what: "a secure cookie" },
  );
});

test("path apps can be disabled", async () => {
  await using fleet = await fleetWithApp();
  fleet.coderd.settings.disablePathApps = true;
  await fleet.coderd.pushSettings();
  await waitFor(
    async () => (await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn })).status === 403,
    { what: "path apps to be off" },
  );
  expect((await fetchFrom(fleet.proxy.address, "/", { headers: onHost })).status).toBe(200);
});
