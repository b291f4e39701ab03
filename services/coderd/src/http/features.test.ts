import { createTestCoderd } from "../testing/coderd.js";
import { features } from "./features.js";

test("a feature is enabled only if all of its routes exist", () => {
  const rbac = ["PATCH /templates/:template/acl", "POST /organizations/:organization/groups"];
  expect(features(new Set(rbac)).template_rbac!.enabled).toBe(true);
  expect(features(new Set(rbac.slice(1))).template_rbac!.enabled).toBe(false);
  expect(features(new Set()).workspace_batch_actions!.enabled).toBe(false);
});

test("no enabled feature has a route that answers 404", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { features: told, has_license } = await owner.client.entitlements();
  expect(has_license).toBe(true);
  const paths: Record<string, string> = {
    audit_log: "/audit?limit=1",
    connection_log: "/connectionlog",
    scim: "/scim/v2/Users",
    high_availability: "/replicas",
    workspace_prebuilds: "/prebuilds/settings",
    workspace_proxy: "/workspaceproxies",
    appearance: "/appearance",
  };
  for (const [name, path] of Object.entries(paths)) {
    const headers = { "Coder-Session-Token": owner.token };
    const url = `${server.coderd.httpUrl}${path.startsWith("/scim/") ? "" : "/api/v2"}${path}`;
    const answer = await fetch(url, { headers });
    expect([name, answer.status === 200]).toEqual([name, told[name]!.enabled]);
  }
});
