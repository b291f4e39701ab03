import { paramNames, type RouteSpec, routes } from "@fleet/sdk";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";

/** Every plain route that reads, and whose path names an organization, a user, or nothing. */
const reads = Object.entries<RouteSpec>(routes).filter(
  ([, { method, path, stream }]) =>
    method === "GET" &&
    !stream &&
    paramNames(path).every((name) => name === "organization" || name === "user"),
);

/** Three users' requests to each of these routes, possibly on a busy machine. */
const LIMIT_MS = 120_000;

test(
  "empty lists are answered to the owner, a member and a user without an organization",
  async () => {
    await using server = await createTestCoderd();
    const owner = await server.owner();
    const member = await server.user(owner, { username: "member" });
    const outsider = await server.user(owner, { username: "outsider" });
    const { id } = await owner.client.organizationCreate({ body: { name: "empty" } });
    await owner.client.memberRemove({ params: { organization: "default", user: outsider.id } });
    expect(reads.length).toBeGreaterThan(40);
    for (const { token, id: userId } of [owner, member, outsider] satisfies TestUser[]) {
      for (const [name, { path }] of reads) {
        const address = path.replace(":organization", id).replace(":user", userId);
        const response = await fetch(`${server.coderd.httpUrl}${address}`, {
          headers: { "Coder-Session-Token": token },
          redirect: "manual",
        });
        await response.body?.cancel();
        expect([name, response.status < 500]).toEqual([name, true]);
      }
    }
  },
  LIMIT_MS,
);
