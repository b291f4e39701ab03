import type { Actor, UserActor } from "../auth/actor.js";
import { authorizer } from "../auth/authorizer.js";
import { enforceDeclaredAccess } from "./declared-access.js";
import type { Handlers } from "./handler.js";

const OWNER = {
  kind: "user",
  userId: "u",
  subject: { userId: "u", roles: ["owner"], orgRoles: {}, groups: [] },
} as unknown as UserActor;

/** `templateGet` declares `template:read`; here it is served by the test's own handler. */
function templateGet(handle: (actor: Actor) => unknown) {
  const handler = async ({ actor }: { actor: Actor }) => handle(actor);
  const handlers = enforceDeclaredAccess({ templateGet: handler } as unknown as Handlers);
  return handlers.templateGet({ actor: OWNER } as never) as Promise<unknown>;
}

test("a handler that checks its route's declared permission answers", async () => {
  const ask = (actor: Actor) => authorizer.can(actor, "read", { type: "template", id: "t", orgId: "o" });
  expect(await templateGet(ask)).toBe(true);
});

test.each<[string, (actor: Actor) => unknown]>([
  ["nothing", () => "the template"],
  ["another action", (actor) => authorizer.can(actor, "update", { type: "template", id: "t", orgId: "o" })],
  ["another type", (actor) => authorizer.can(actor, "read", { type: "workspace", id: "w", orgId: "o" })],
])("a handler that checks %s does not answer", async (_what, handle) => {
  await expect(templateGet(handle)).rejects.toThrow(
    "templateGet responded without checking its declared permission",
  );
});

test("a denied check does not count", async () => {
  const stranger = { ...OWNER, subject: { ...OWNER.subject, roles: [] } };
  const handlers = enforceDeclaredAccess({
    templateGet: async () => {
      authorizer.can(stranger, "read", { type: "template", id: "t", orgId: "o" });
      return {};
    },
  } as unknown as Handlers);
  await expect(handlers.templateGet({ actor: stranger } as never)).rejects.toThrow(
    "without checking its declared permission",
  );
});

test.each<[string, (actor: UserActor) => unknown[]]>([
  ["a filter", (actor) => authorizer.filter(actor, "read", "template", [], () => ({}))],
  ["the reach of the user's roles", (actor) => [...authorizer.reach(actor, "read", "template").ownIn]],
])("a list left empty by %s is a response", async (_what, list) => {
  const stranger = { ...OWNER, subject: { ...OWNER.subject, roles: [] } };
  const handlers = enforceDeclaredAccess({
    templateGet: async ({ actor }: { actor: UserActor }) => list(actor),
  } as unknown as Handlers);
  expect(await handlers.templateGet({ actor: stranger } as never)).toEqual([]);
});
