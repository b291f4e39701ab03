import fc from "fast-check";
import { Inbox } from "./inbox.js";

test("bytes leave in the order of arrival, and are counted", () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.constant(0)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (sizes) => {
      const inbox = new Inbox();
      const came: Buffer[] = [];
      const left: Buffer[] = [];
      for (const [turn, size] of sizes.entries()) {
        if (size === 0) {
          left.push(inbox.shift() ?? Buffer.alloc(0));
        } else {
          const piece = Buffer.alloc(size, turn);
          came.push(Buffer.from(piece));
          inbox.add(piece);
          if (size < 2048) piece.fill(0xff); // a small piece was copied: its memory is the caller's again
        }
        const bytes = (list: Buffer[]) => list.reduce((sum, chunk) => sum + chunk.length, 0);
        expect(inbox.bytes).toBe(bytes(came) - bytes(left));
      }
      for (let chunk = inbox.shift(); chunk; chunk = inbox.shift()) left.push(Buffer.from(chunk));
      expect(Buffer.concat(left).equals(Buffer.concat(came))).toBe(true);
    }),
  );
});

test("one-byte pieces are merged, and none retains the chunk it was cut from", () => {
  const inbox = new Inbox();
  const large = Buffer.alloc(64 * 1024);
  for (let index = 0; index < 64 * 1024; index++) inbox.add(large.subarray(index, index + 1));
  inbox.add(large.subarray(0, 4096));
  let chunks = 0;
  for (let chunk = inbox.shift(); chunk; chunk = inbox.shift()) {
    chunks++;
    expect(chunk.buffer).not.toBe(large.buffer);
  }
  expect(chunks).toBeLessThanOrEqual(9);
});
