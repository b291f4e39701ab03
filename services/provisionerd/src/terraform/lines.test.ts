import { createLineSplitter, jsonDocument } from "./lines.js";

function split(chunks: readonly (string | Uint8Array)[], maxBytes?: number) {
  const lines: [string, boolean][] = [];
  const splitter = createLineSplitter((line, cut) => void lines.push([line, cut]), maxBytes);
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
}

test("lines end at newlines, not at chunks, and empty ones are omitted", () => {
  expect(split(["one\ntw", "o\r\n\n", "three"])).toEqual([
    ["one", false],
    ["two", false],
    ["three", false],
  ]);
});

test("a character split between chunks stays whole", () => {
  const [first, second] = [Buffer.from("ü").subarray(0, 1), Buffer.from("ü").subarray(1)];
  expect(split([first, second, "\n"])).toEqual([["ü", false]]);
});

test("a line beyond the limit is truncated, and the next one is complete", () => {
  expect(split(["aaaa", "aaaa", "aa\nbb\n"], 5)).toEqual([
    ["aaaaa", true],
    ["bb", false],
  ]);
  expect(split(["aaaaa\n"], 5)).toEqual([["aaaaa", false]]);
});

test("an unterminated line is buffered only up to the limit", () => {
  let length = 0;
  const splitter = createLineSplitter((line) => {
    length = line.length;
  }, 64 * 1024);
  const chunk = Buffer.from("x".repeat(1024 * 1024));
  for (let i = 0; i < 100; i++) splitter.push(chunk);
  splitter.end();
  expect(length).toBe(64 * 1024);
});

test("a document starts after a program's other output", () => {
  expect(jsonDocument('{"a":1}\n{"b":2}')).toBe('{"a":1}\n{"b":2}');
  expect(jsonDocument('Warning: Unable to open CLI configuration file\n\nNo { such file.\n{"a":1}')).toBe(
    '{"a":1}',
  );
  expect(jsonDocument("no document")).toBe("no document");
});
