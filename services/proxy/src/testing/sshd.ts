import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import ssh2 from "ssh2";

/** An ed25519 key pair, OpenSSH format. */
export function newKeyPair(): { private: string; public: string } {
  // ssh2 writes about one key in 250 in a form that it cannot parse.
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

/** A workspace's SSH server on a stream, as far as a test needs it: it runs commands, and has no terminals. */
export function serveSsh(
  stream: Duplex,
  hostKey: string,
  onClient: (software: string) => void = () => {},
): void {
  stream.on("error", () => {});
  const server = new ssh2.Server({ hostKeys: [hostKey], ident: "fleet" }, (client, { header }) => {
    onClient(header.versions.software);
    client.on("error", () => {});
    client.on("authentication", (context) => context.accept());
    client.on("session", (accept) => {
      accept().on("exec", (accepted, _reject, { command }) => {
        const channel = accepted();
        const child = spawn("sh", ["-c", command], { stdio: "pipe" });
        channel.on("error", () => {});
        child.stdin.on("error", () => {});
        channel.pipe(child.stdin);
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        child.on("close", (code) => {
          channel.exit(code ?? 255);
          channel.end();
        });
        channel.on("close", () => child.kill());
      });
    });
  });
  server.injectSocket(stream as Socket);
}
