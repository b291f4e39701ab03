import { createTestCli } from "../../testing/run.js";

const START = ["--url", "http://127.0.0.1:1", "provisioner", "start"];

test.each([
  [["--key", "a", "--psk", "b"], "Use either --key or --psk"],
  [["--key", "a", "--log-json", "/tmp/log"], "JSON logs are written to /dev/stderr only"],
  [["--key", "a", "--log-json", "/dev/stderr", "--log-human", "/tmp/log"], "not together"],
  [["--psk", "a", "--tag", '"zones=a,b"'], 'The tag "zones" must not contain a comma'],
  [["--psk", "a", "--header", '"X-Zones=a,b"'], 'The header "X-Zones" must not contain a comma'],
  [["--psk", "a", "--tag", "zones"], 'The tag "zones" is not of the form key=value'],
  [[], "Not signed in to http://127.0.0.1:1"],
])("provisioner start %j is refused with a message", async (args, message) => {
  await using cli = await createTestCli();
  const { status, stderr } = await cli.run([...START, ...args]);
  expect(stderr).toContain(message);
  expect(status).toBe(1);
});

test("poll flags of upstream are accepted", async () => {
  await using cli = await createTestCli();
  const { stderr } = await cli.run([...START, "--key", "a", "--poll-interval", "1s", "--poll-jitter", "1s"]);
  // The tests have no bundle of the daemon beside them.
  expect(stderr).toContain("provisionerd.js was not found next to this program");
});
