import { createTestCli } from "../../testing/run.js";

test("a flag after the verb is the verb's, where the group has one of that name too", async () => {
  await using cli = await createTestCli();
  const { stdout } = await cli.run(["stat", "disk", "-o", "json", "--prefix", "Mi"]);
  expect(JSON.parse(stdout)).toMatchObject({ unit: "MiB", total: expect.any(Number) });
});
