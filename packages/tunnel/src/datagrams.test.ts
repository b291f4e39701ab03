import { createDatagramReader, frameDatagram, MAX_DATAGRAM_BYTES } from "./datagrams.js";

test("datagrams keep their bounds, however the stream is cut", () => {
  const sent = [
    Buffer.from("one"),
    Buffer.alloc(0),
    Buffer.alloc(MAX_DATAGRAM_BYTES, 7),
    Buffer.from("last"),
  ];
  const stream = Buffer.concat(sent.map(frameDatagram));
  for (const size of [1, 2, 3, 1000, 65_536, stream.length]) {
    const got: Buffer[] = [];
    const read = createDatagramReader((payload) => got.push(Buffer.from(payload)));
    for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
    expect(got.map((payload) => payload.length)).toEqual(sent.map((payload) => payload.length));
    expect(Buffer.concat(got).equals(Buffer.concat(sent))).toBe(true);
  }
});
