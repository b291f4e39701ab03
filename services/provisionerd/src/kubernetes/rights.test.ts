import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { promisify } from "node:util";
import { createCloser } from "@fleet/base";
import { captureLogs, createFakeClock, waitFor } from "@fleet/testkit";
import type { Access } from "./access.js";
import { watchRights } from "./rights.js";

const SUBJECT = "system:serviceaccount:coder:coder";
const TOKEN = `e30.${Buffer.from(JSON.stringify({ sub: SUBJECT })).toString("base64url")}.signature`;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fleet-rights-"));
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-keyout", join(folder, "key"), "-out", join(folder, "ca.crt"), "-subj", "/CN=kubernetes"],
    ...["-addext", "subjectAltName=IP:127.0.0.1"],
  ]);
});
beforeEach(() => writeFile(join(folder, "token"), `${TOKEN}\n`));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** An API server that answers access reviews from `allows`, and a rights watch that uses it. */
async function createHarness(namespaces: string[], allows: (access: Access) => boolean) {
  const closer = createCloser();
  const [cert, key] = await Promise.all(["ca.crt", "key"].map((file) => readFile(join(folder, file))));
  const state = { allows, broken: false, asked: 0 };
  const server = createServer({ cert, key }, async (request, response) => {
    const review = (await json(request)) as { kind: string; spec: { resourceAttributes: Access } };
    state.asked++;
    const known =
      request.url === "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" &&
      request.headers.authorization === `Bearer ${TOKEN}` &&
      review.kind === "SelfSubjectAccessReview";
    response.statusCode = state.broken ? 500 : known ? 201 : 401;
    response.end(JSON.stringify({ status: { allowed: state.allows(review.spec.resourceAttributes) } }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  closer.add(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const clock = createFakeClock();
  const { logger, lines } = captureLogs();
  const { port } = server.address() as AddressInfo;
  const apiServer = { host: "127.0.0.1", port, credentials: folder };
  const rights = await watchRights({ server: apiServer, namespaces, clock, logger });
  closer.add(() => rights.close());
  return { state, clock, rights, lines, [Symbol.asyncDispose]: () => closer.close() };
}

test("missing rights in the namespace are reported until they are granted", async () => {
  await using fleet = await createHarness(["coder", "workspaces"], ({ namespace }) => namespace === "coder");
  const sentence = `The service account ${SUBJECT} does not have permission to create, get, patch, delete persistentvolumeclaims and create, get, patch, delete deployments in the namespace "workspaces", so templates cannot create workspaces there.`;
  expect(fleet.rights.warnings()).toEqual([{ code: "EPD04", message: expect.stringContaining(sentence) }]);
  expect(fleet.lines).toEqual([{ level: "error", message: fleet.rights.warnings()[0]!.message, fields: {} }]);

  const { asked } = fleet.state;
  await fleet.clock.advance(20_000);
  await waitFor(() => fleet.state.asked === 2 * asked, { what: "the second look" });
  fleet.state.allows = () => true;
  await waitFor(
    async () => {
      await fleet.clock.advance(20_000);
      return fleet.rights.warnings().length === 0;
    },
    { what: "the look that finds all well" },
  );
  expect(fleet.lines.map(({ level }) => level)).toEqual(["error", "info"]);
});

test("only missing rights are named; pods suffice without deployments", async () => {
  await using fleet = await createHarness(["workspaces"], ({ resource }) => resource !== "deployments");
  expect(fleet.rights.warnings()).toEqual([]);
  fleet.state.allows = ({ verb, resource }) => verb !== "delete" || resource !== "persistentvolumeclaims";
  await waitFor(
    async () => {
      await fleet.clock.advance(10 * 60_000);
      return fleet.rights.warnings().length > 0;
    },
    { what: "the look that finds what was taken away" },
  );
  expect(fleet.rights.warnings()[0]!.message).toContain(
    'does not have permission to delete persistentvolumeclaims in the namespace "workspaces"',
  );
});

test("an unreachable API server or a missing token is reported, too", async () => {
  await using fleet = await createHarness(["coder"], () => true);
  fleet.state.broken = true;
  const told = (what: string) =>
    waitFor(
      async () => {
        await fleet.clock.advance(10 * 60_000);
        return fleet.rights.warnings()[0]?.message.includes(what);
      },
      { what },
    );
  await told(
    'permissions to create workspaces in the namespace "coder": the API server returned status 500.',
  );
  await rm(join(folder, "token"));
  await told(": the pod has no service account token.");
});
