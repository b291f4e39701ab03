import { createTerminalMessages, type TerminalInput, type TerminalRequest } from "./messages.js";
import { Ring } from "./ring.js";

function collect() {
  const requests: TerminalRequest[] = [];
  const inputs: TerminalInput[] = [];
  const messages = createTerminalMessages({
    onRequest: (request) => requests.push(request),
    onInput: (input) => inputs.push(input),
  });
  return { requests, inputs, messages };
}

const REQUEST = Buffer.from('{"ID":"a","Height":1,"Width":2,"Command":"top"}');
const STREAM = Buffer.concat([
  Buffer.from([REQUEST.length, 0]),
  REQUEST,
  Buffer.from('{"data":"}\\"{é"}\n{"height":3,"width":4}{"data":""}'),
]);

test("messages are the same however the stream is split", () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const { requests, inputs, messages } = collect();
    for (let at = 0; at < STREAM.length; at += size) messages.push(STREAM.subarray(at, at + size));
    expect(requests).toEqual([{ id: "a", rows: 1, cols: 2, command: "top" }]);
    expect(inputs).toEqual([{ data: '}"{é' }, { rows: 3, cols: 4 }, { data: "" }]);
  }
});

test("an unterminated message is bounded", () => {
  const { messages } = collect();
  messages.push(STREAM);
  messages.push(Buffer.from('{"data":"'));
  const push = () => {
    for (let count = 0; count < 20; count++) messages.push(Buffer.alloc(64 * 1024, "x"));
  };
  expect(push).toThrow(/larger than 1 MiB/);
});

test("a ring keeps the last bytes", () => {
  const ring = new Ring(5);
  for (const text of ["abc", "def", "g"]) ring.push(Buffer.from(text));
  expect(String(ring.since(0).bytes)).toBe("cdefg");
  ring.push(Buffer.from("0123456789"));
  expect(String(ring.since(0).bytes)).toBe("56789");
  expect(ring.since(15)).toEqual({ bytes: Buffer.from("89"), skipped: 0 });
  expect(ring.since(2)).toEqual({ bytes: Buffer.from("56789"), skipped: 10 });
});
