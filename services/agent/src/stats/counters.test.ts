import { PassThrough } from "node:stream";
import { createCounters } from "./counters.js";

test("bytes are counted between reports, across changing tunnels", () => {
  const counters = createCounters();
  const first = { bytesIn: 10, bytesOut: 1, rttMs: 5 };
  const second = { bytesIn: 0, bytesOut: 0, rttMs: 7 };
  const release = counters.carry({ stats: () => first });
  expect(counters.take()).toMatchObject({ rxBytes: 10n, txBytes: 1n, connectionMedianLatencyMs: 5 });
  first.bytesIn = 15;
  release();
  counters.carry({ stats: () => second });
  second.bytesOut = 4;
  expect(counters.take()).toMatchObject({ rxBytes: 5n, txBytes: 4n, connectionMedianLatencyMs: 7 });
  expect(counters.take()).toMatchObject({ rxBytes: 0n, txBytes: 0n });
});

test("sessions and streams are counted while open", async () => {
  const counters = createCounters();
  const { end } = counters.begin("vscode");
  const stream = new PassThrough();
  counters.watch("ssh", stream);
  expect(counters.take()).toMatchObject({
    sessionCountVscode: 1n,
    connectionCount: 1n,
    connectionsByProto: { ssh: 1n },
  });
  end();
  end();
  const closed = new Promise((resolve) => stream.once("close", resolve));
  stream.destroy();
  await closed;
  expect(counters.take()).toMatchObject({
    sessionCountVscode: 0n,
    connectionCount: 0n,
    connectionsByProto: {},
  });
});

test("a session without a connected client does not count as activity", () => {
  const counters = createCounters();
  let isPresent = true;
  counters.begin("ssh", () => isPresent);
  expect(counters.take().sessionCountSsh).toBe(1n);
  isPresent = false;
  expect(counters.take().sessionCountSsh).toBe(0n);
});

test("input is reported by kind of session, once, also of a session that has ended", () => {
  const counters = createCounters();
  const ssh = counters.begin("ssh");
  const editor = counters.begin("vscode");
  expect(counters.take().sessionsWithInput).toEqual([]);
  ssh.input();
  // Keepalives only.
  editor.forwarded(300);
  expect(counters.take().sessionsWithInput).toEqual(["ssh"]);
  expect(counters.take().sessionsWithInput).toEqual([]);
  for (let i = 0; i < 50; i++) editor.forwarded(100);
  ssh.input();
  ssh.end();
  expect(counters.take().sessionsWithInput.toSorted()).toEqual(["ssh", "vscode"]);
  expect(counters.take().sessionsWithInput).toEqual([]);
});
