import { spawn } from "node:child_process";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import type { StreamHeader } from "@fleet/tunnel";
import ssh2, { type Client, type ClientChannel, type ConnectConfig } from "ssh2";
import type { TestAgent } from "./agent.js";

/** An ssh2 client on a stream of the agent's tunnel. */
export async function sshClient(
  agent: TestAgent,
  options: ConnectConfig = {},
  header: StreamHeader = { kind: "ssh", target: "" },
): Promise<Client> {
  const sock = options.sock ?? (await (await agent.deployment.tunnel()).open(header));
  const client = new ssh2.Client();
  client.on("error", () => {}); // The agent may go before its client.
  client.connect({ username: "coder", strictVendor: false, ...options, sock });
  await once(client, "ready");
  return client;
}

export type Output = { stdout: Buffer; stderr: Buffer; code: number | null; signal: string | undefined };

/** Everything that a channel gives until its end. */
export async function outputOf(channel: ClientChannel): Promise<Output> {
  let code: number | null = null;
  let signal: string | undefined;
  channel.on("exit", (exitCode: number | null, name?: string) => {
    code = exitCode;
    signal = name;
  });
  const closed = once(channel, "close");
  const [stdout, stderr] = await Promise.all([buffer(channel), buffer(channel.stderr)]);
  await closed;
  return { stdout, stderr, code, signal };
}

/** Runs a command by ssh2. */
export function execute(client: Client, command: string, options: object = {}): Promise<Output> {
  return new Promise((resolve, reject) => {
    client.exec(command, options, (error, channel) => (error ? reject(error) : resolve(outputOf(channel))));
  });
}

/** Runs one of OpenSSH's programs against the agent, whose host is `127.0.0.1`. */
export async function openssh(
  agent: TestAgent,
  program: string,
  args: string[],
  input = "",
  env: Record<string, string> = {},
  /** False for a program that is not OpenSSH's, which starts one itself. */
  takesOptions = true,
) {
  const port = await agent.deployment.sshPort();
  const options = [
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "LogLevel=ERROR",
    `Port=${port}`,
  ];
  const child = spawn(program, [...(takesOptions ? options.flatMap((each) => ["-o", each]) : []), ...args], {
    stdio: "pipe",
    env: { ...process.env, ...env },
  });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    buffer(child.stdout),
    buffer(child.stderr),
    once(child, "close"),
  ]);
  return { stdout, stderr: stderr.toString(), code: code as number };
}
