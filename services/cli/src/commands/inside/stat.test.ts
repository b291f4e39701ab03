import { createTestCli } from "../../testing/run.js";

test("a flag after the subcommand belongs to the subcommand, even if the group has one of that name", async () => {
  await using cli = await createTestCli();
  const { stdout } = await cli.run(["stat", "disk", "-o", "json", "--prefix", "Mi"]);
  expect(JSON.parse(stdout)).toMatchObject({ unit: "MiB", total: expect.any(Number) });
});
