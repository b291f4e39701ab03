import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context, Session } from "../../context.js";

export type NetworkInfoOptions = {
  dir: string;
  intervalMs: number;
  stream: { readonly bytesRead: number; readonly bytesWritten: number };
  session: Session;
  context: Context;
};

/**
 * Keeps `<parent's pid>.json` up to date, where editors read the state of a connection. The name is the PID of the SSH
 * client, which is this process's parent. The format is the one that the editor extensions parse.
 */
export function createNetworkInfo({ dir, intervalMs, stream, session, context }: NetworkInfoOptions) {
  const file = join(dir, `${process.ppid}.json`);
  let before = { read: 0, written: 0 };
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const latency = await measureLatency(session);
    const { bytesRead, bytesWritten } = stream;
    const perSecond = (bytes: number) => Math.round((bytes * 1000) / intervalMs);
    const info = {
      p2p: false,
      latency,
      preferred_derp: "relay",
      derp_latency: { relay: latency },
      upload_bytes_sec: perSecond(bytesWritten - before.written),
      download_bytes_sec: perSecond(bytesRead - before.read),
      using_coder_connect: false,
    };
    before = { read: bytesRead, written: bytesWritten };
    await mkdir(dir, { recursive: true });
    const draft = `${file}.${process.pid}`;
    await writeFile(draft, JSON.stringify(info), { mode: 0o600 });
    await rename(draft, file);
  }

  const update = () => {
    // A missing folder or a restarting server must not end the session.
    writing = writing.then(write).catch(() => {});
  };
  update();
  const timer = context.clock.every(intervalMs, update);
  return {
    async close() {
      timer.cancel();
      await writing;
      await rm(file, { force: true });
    },
  };
}

/** Round trip of a small request, in milliseconds. */
async function measureLatency({ client }: Session): Promise<number> {
  const started = performance.now();
  await client.buildInfo();
  return Math.round((performance.now() - started) * 10) / 10;
}
