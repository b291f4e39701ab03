import { PassThrough } from "node:stream";
import { runCli } from "../../cli.js";
import { startDeployment } from "../../testing/deployment.js";

const ANSWER = { url: "", type: "slack", username: "", password: "", access_token: "the-token" };
const EXTRA = { authed_user: { id: "U1", scopes: ["a"] } };

/** Runs the command as a workspace would. */
async function inside(
  url: string,
  args: string[],
): Promise<{ status: number; stdout: string; stderr: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end();
  const env = { CODER_AGENT_URL: url, CODER_AGENT_TOKEN: "t", HOME: "/nonexistent", PATH: process.env.PATH };
  const status = await runCli(args, { env, stdin, stdout, stderr });
  return { status, stdout: String(stdout.read() ?? ""), stderr: String(stderr.read() ?? "") };
}

test("access-token prints the token, a field of its response, or the URL with status 1", async () => {
  let answer = { ...ANSWER, token_extra: EXTRA as object };
  await using deployment = await startDeployment({ agentSelfExternalAuth: () => answer });
  const run = (...args: string[]) =>
    inside(deployment.url, ["external-auth", "access-token", "slack", ...args]);
  expect(await run()).toMatchObject({ status: 0, stdout: "the-token\n" });
  expect(await run("--extra", "authed_user.id")).toMatchObject({ status: 0, stdout: "U1\n" });
  expect(await run("--extra", "authed_user.scopes")).toMatchObject({ status: 0, stdout: '["a"]\n' });
  expect(await run("--extra", "authed_user.nothing")).toMatchObject({
    status: 1,
    stdout: "",
    stderr: expect.stringContaining('no property "authed_user.nothing"'),
  });
  answer = { ...answer, access_token: "", url: "https://coder.test/external-auth/slack" };
  expect(await run()).toEqual({ status: 1, stdout: "https://coder.test/external-auth/slack\n", stderr: "" });
});

test("git's questions are answered with the name and the token that the server says", async () => {
  await using deployment = await startDeployment({
    agentSelfExternalAuth: () => ({ ...ANSWER, username: "oauth2", password: "the-token" }),
  });
  const ask = async (question: string) => (await inside(deployment.url, [question])).stdout;
  expect(await ask("Username for 'https://git.example.com/team/app.git': ")).toBe("oauth2\n");
  expect(await ask("Password for 'https://oauth2@git.example.com/team/app.git': ")).toBe("the-token\n");
  const match = encodeURIComponent("https://git.example.com/team/app.git");
  expect(deployment.requests.filter((request) => request.includes(`match=${match}`))).toHaveLength(2);
});
