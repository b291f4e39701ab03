import fc from "fast-check";
import { decodeStreamHeader, encodeStreamHeader, type StreamHeader } from "./header.js";

test("every header within its bounds round-trips", () => {
  const header = fc.record(
    {
      kind: fc.string({ minLength: 1, maxLength: 32 }),
      target: fc.string({ maxLength: 200 }),
      meta: fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 40 }), {
        maxKeys: 32,
        noNullPrototype: true,
      }),
    },
    { requiredKeys: ["kind", "target"] },
  );
  fc.assert(
    fc.property(header, (sent) => {
      expect(decodeStreamHeader(encodeStreamHeader(sent))).toEqual(sent);
    }),
  );
});

test.each<[string, StreamHeader]>([
  ["no kind", { kind: "", target: "x" }],
  ["a kind of 33 bytes", { kind: "k".repeat(33), target: "x" }],
  ["a target of 1025 bytes", { kind: "tcp", target: "x".repeat(1025) }],
  [
    "33 facts",
    {
      kind: "tcp",
      target: "x",
      meta: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`${i}`, ""])),
    },
  ],
  ["9 KiB of facts", { kind: "tcp", target: "x", meta: { fact: "x".repeat(9000) } }],
])("%s is rejected before it is sent", (_name, header) => {
  expect(() => encodeStreamHeader(header)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
});

test("an invalid header payload decodes to undefined", () => {
  for (const payload of [
    "",
    "{",
    "null",
    "[]",
    '{"kind":1,"target":"x"}',
    '{"kind":"tcp"}',
    '{"kind":"tcp","target":"x","meta":{"a":1}}',
    '{"kind":"tcp","target":"x","meta":[]}',
  ]) {
    expect(decodeStreamHeader(Buffer.from(payload))).toBeUndefined();
  }
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeStreamHeader(Buffer.from(bytes))));
});
