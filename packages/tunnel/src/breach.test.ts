import { type Duplex, duplexPair } from "node:stream";
import { encodeFrame, encodeHello, encodeWindow, FRAME } from "./frame.js";
import { createTunnel } from "./index.js";
import { HEADER } from "./testing/pair.js";

const KIB = 1024;

describe("a peer that violates the protocol is disconnected with the reason", () => {
  async function reasonFor(frames: Buffer[]) {
    const [near, far] = duplexPair() as [Duplex, Duplex];
    const tunnel = createTunnel(near, { role: "server", onStream: (p) => void p.accept() });
    far.resume();
    for (const frame of frames) far.write(frame);
    far.end();
    return (await tunnel.closed).message;
  }
  const hello = encodeHello(256 * KIB);
  const open = (id: number) => encodeFrame(FRAME.open, id, Buffer.from(JSON.stringify(HEADER)));
  const data = (id: number, bytes: number) => encodeFrame(FRAME.data, id, Buffer.alloc(bytes));

  test.each<[string, Buffer[], string]>([
    ["HTTP", [Buffer.from("HTTP/1.1 502 Bad Gateway\r\n\r\n")], "unknown type 72"],
    ["another version", [encodeHello(1, 2)], "speaks tunnel protocol 2, this side 1"],
    ["another magic", [encodeFrame(FRAME.hello, 0, Buffer.alloc(9))], "does not speak the tunnel protocol"],
    ["no hello", [open(1)], "did not start with a single hello"],
    ["data before hello", [data(1, 1)], "did not start with a single hello"],
    ["two hellos", [hello, hello], "did not start with a single hello"],
    ["data for a stream that never was", [hello, data(1, 1)], "stream 1, which was never opened"],
    ["credit for stream 0", [hello, encodeWindow(0, 1)], "stream 0, which was never opened"],
    ["a stream of the wrong parity", [hello, open(2)], "stream 2 out of order"],
    ["a stream twice", [hello, open(3), open(3)], "stream 3 out of order"],
    [
      "more than the window",
      [hello, open(1), ...Array(5).fill(data(1, 64 * KIB))],
      "more than a stream's window",
    ],
    [
      "data after the end",
      [hello, open(1), encodeFrame(FRAME.fin, 1), data(1, 1)],
      "data after a stream's end",
    ],
    [
      "two ends",
      [hello, open(1), encodeFrame(FRAME.fin, 1), encodeFrame(FRAME.fin, 1)],
      "ended a stream twice",
    ],
  ])("%s", async (_name, frames, reason) => {
    expect(await reasonFor(frames)).toContain(reason);
  });

  test("late frames for a closed stream are not a violation", async () => {
    const frames = [
      hello,
      open(1),
      encodeFrame(FRAME.rst, 1, Buffer.from([1])),
      data(1, 10),
      encodeWindow(1, 5),
    ];
    expect(await reasonFor(frames)).toBe("The peer ended the connection.");
  });

  test("an unreadable header is rejected, and the tunnel stays open", async () => {
    const frames = [hello, encodeFrame(FRAME.open, 1, Buffer.from("{}"))];
    expect(await reasonFor(frames)).toBe("The peer ended the connection.");
  });
});
