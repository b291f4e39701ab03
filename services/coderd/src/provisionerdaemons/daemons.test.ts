import { waitFor } from "@fleet/testkit";
import pg from "pg";
import { createTestCoderd } from "../testing/coderd.js";
import { createVersion, startProvisioner } from "../testing/work.js";
import { OFFLINE_KEPT } from "./store.js";

const organization = "default";

test("a daemon without the deployment's key is rejected", async () => {
  await using server = await createTestCoderd();
  await expect(startProvisioner(server, { key: "wrong" }).then(() => {})).rejects.toThrow();
});

test("a job without an eligible daemon says so, and waits in its own queue", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  const far = await createVersion(owner, undefined, { tags: { region: "far" } });
  expect(far).toMatchObject({
    matched_provisioners: { count: 0, available: 0 },
    job: { queue_position: 1, queue_size: 1 },
  });
  const near = await createVersion(owner);
  const next = await createVersion(owner);
  expect(near).toMatchObject({
    matched_provisioners: { count: 1, available: 1 },
    job: { queue_position: 1, queue_size: 1 },
  });
  expect(next.job).toMatchObject({
    queue_position: 2,
    queue_size: 2,
    tags: { scope: "organization", owner: "" },
  });
  expect(await daemon.claim(far.job.id)).toBeUndefined();

  await using farDaemon = await startProvisioner(server, { tags: { region: "far", gpu: "yes" } });
  expect(await farDaemon.claim(near.job.id)).toBeUndefined();
  expect((await farDaemon.acquire()).id).toBe(far.job.id);
});

test("a job with new tags reaches the daemons that match them", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server, { tags: { a: "1", b: "2" } });
  expect(daemon.queues()).toHaveLength(1);
  const version = await createVersion(owner, undefined, { tags: { a: "1" } });
  await waitFor(() => daemon.queues().length === 2, { what: "the second queue" });
  expect((await daemon.acquire()).id).toBe(version.job.id);
});

test("daemons of a key have the key's tags", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const { client } = owner;
  const { key } = await client.provisionerKeyCreate({
    params: { organization },
    body: { name: "edge", tags: { region: "eu" } },
  });
  await using daemon = await startProvisioner(server, { key, name: "edge-1" });
  const [listed] = await client.provisionerDaemonList({ params: { organization } });
  expect(listed).toMatchObject({ name: "edge-1", key_name: "edge", status: "idle", tags: { region: "eu" } });

  // A daemon's key does not authenticate another daemon.
  await using stranger = await startProvisioner(server);
  await createVersion(owner);
  const job = await stranger.acquire();
  await expect(
    daemon.client.completeJob({
      jobId: job.id,
      daemonId: stranger.id,
      type: { case: "templateImport", value: {} },
    }),
  ).rejects.toMatchObject({ code: "failed_precondition" });
  const busy = await client.provisionerDaemonList({ params: { organization } });
  expect(busy.find(({ id }) => id === stranger.id)).toMatchObject({
    status: "busy",
    current_job: { id: job.id },
  });

  await client.provisionerKeyDelete({ params: { organization, keyName: "edge" } });
  await expect(startProvisioner(server, { key }).then(() => {})).rejects.toThrow();
});

test("a daemon that disconnects cleanly is offline immediately", async () => {
  await using server = await createTestCoderd();
  const { client } = await server.owner();
  {
    await using _daemon = await startProvisioner(server, { name: "short" });
  }
  await waitFor(
    async () => {
      const [daemon] = await client.provisionerDaemonList({ params: { organization } });
      return daemon?.status === "offline";
    },
    { what: "the daemon to be offline" },
  );
});

test("daemons that come and go under new names do not fill the table", async () => {
  await using server = await createTestCoderd();
  await server.owner();
  const client = new pg.Client({ connectionString: server.config.CODER_PG_CONNECTION_URL });
  await client.connect();
  const count = async () =>
    Number((await client.query("SELECT count(*) FROM provisioner_daemons")).rows[0].count);
  await using _daemon = await startProvisioner(server, { name: "first" });
  await client.query(
    `INSERT INTO provisioner_daemons (id, organization_id, key_id, name, tags, left_at, last_seen_at)
     SELECT gen_random_uuid(), organization_id, key_id, 'gone-' || n, tags, now(), now()
     FROM provisioner_daemons, generate_series(1, $1) n`,
    [OFFLINE_KEPT + 5],
  );
  await using _other = await startProvisioner(server, { name: "second" });
  expect(await count()).toBe(OFFLINE_KEPT + 2);
  await client.end();
});
