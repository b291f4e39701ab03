import { FleetError } from "@fleet/base";
import { echoTemplate } from "@fleet/provisionersdk";
import { waitFor } from "@fleet/testkit";
import type { TestCoderd } from "../testing/coderd.js";
import { createHarness } from "../testing/harness.js";

/** A job that coderd offers to daemons that do not use the queue. */
async function offer(coderd: TestCoderd) {
  const source = coderd.upload(await echoTemplate({}));
  const record = coderd.insert({ source, type: { case: "templateImport", value: {} } });
  coderd.offerDirectly(record.job.id!);
  return record;
}

test("jobs that coderd offers are run, as many at a time as slots are free", async () => {
  await using fleet = await createHarness({ external: true, slots: 2 });
  const { coderd } = fleet;
  const records = [await offer(coderd), await offer(coderd), await offer(coderd)];
  await waitFor(() => records.every(({ completed }) => completed), { what: "the jobs to be completed" });
  expect(Math.max(...coderd.asked)).toBe(2);
  expect(await coderd.queued()).toMatchObject({ active: 0, wait: 0 });
});

test("an ID that is gone, or offered twice, costs nothing", async () => {
  await using fleet = await createHarness({ external: true, slots: 1 });
  const { coderd } = fleet;
  coderd.offerDirectly("00000000-0000-4000-8000-000000000000");
  const record = await offer(coderd);
  coderd.offerDirectly(record.job.id!);
  const after = await offer(coderd);
  await waitFor(() => after.completed, { what: "the last job to be completed" });
  expect(record.acquiredBy).toHaveLength(1);
});

test("after coderd was away, jobs are taken again", async () => {
  await using fleet = await createHarness({ external: true });
  const { coderd } = fleet;
  await waitFor(() => coderd.asked.length > 0, { what: "the daemon to wait for jobs" });
  coderd.stop();
  await waitFor(() => !fleet.daemon.ready, { what: "the daemon to notice" });
  await coderd.listen();
  const record = await offer(coderd);
  await waitFor(() => record.completed, { what: "the job to be completed" });
  expect(fleet.source.trouble).toBeUndefined();
});

test("a refusal is told, until it ends", async () => {
  await using fleet = await createHarness({ external: true });
  const { coderd } = fleet;
  coderd.answers.offerRefusal = new FleetError("unimplemented", "Unknown method.");
  coderd.offerDirectly("00000000-0000-4000-8000-000000000000");
  await waitFor(() => fleet.source.trouble, { what: "the refusal" });
  expect(fleet.source.trouble).toBe("coderd offers no jobs: Unknown method.");
  coderd.answers.offerRefusal = undefined;
  const record = await offer(coderd);
  await waitFor(() => record.completed, { what: "the job to be completed" });
  expect(fleet.source.trouble).toBeUndefined();
});

test("a daemon that drains asks no more, and leaves at once", async () => {
  await using fleet = await createHarness({ external: true });
  const { coderd, daemon } = fleet;
  await waitFor(() => coderd.asked.length > 0, { what: "the daemon to wait for jobs" });
  daemon.drain();
  await daemon.done;
  const record = await offer(coderd);
  expect(record.acquiredBy).toEqual([]);
});
