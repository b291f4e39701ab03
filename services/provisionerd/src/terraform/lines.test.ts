import { parseGraph } from "@fleet/provisionersdk";
import { createLineSplitter, graphDocument, jsonDocument } from "./lines.js";

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
  expect(jsonDocument('Warning: Unable to open CLI configuration file\n\nNo { such file.\n{"a":1}')).toBe(
    '{"a":1}',
  );
  expect(jsonDocument("no document")).toBe("no document");
});

const WARNING =
  "\u001b[33m╷\u001b[0m\r\n│ Warning: Unable to open CLI configuration file\r\n╵\r\n{ is not the document\r\n";

test.each([
  ["alone", '{"a":{"b":1}}\n'],
  ["over several lines", '{\n  "a": {\n    "b": 1\n  }\n}\n'],
  ["after a warning", `${WARNING}{"a":{"b":1}}`],
  ["before a notice", `{"a":{"b":1}}\nYour version is out of date: {x}\n`],
  [
    "between both, over several lines, with Windows' line ends",
    `${WARNING}{\r\n  "a": {"b": 1}\r\n}\r\nnotice\r\n`,
  ],
])("a JSON document is found %s", (_what, output) => {
  expect(JSON.parse(jsonDocument(output))).toEqual({ a: { b: 1 } });
});

test("output without a document is left for the reader to reject", () => {
  expect(jsonDocument("Error: {no} document\n")).toBe("Error: {no} document");
});

test("a graph is found among warnings", () => {
  const dot = 'digraph {\r\n\t"[root] a.b (expand)" -> "[root] coder_agent.c (expand)"\r\n}\r\n';
  const found = graphDocument(`${WARNING}${dot}{"a notice"}\n`);
  expect(found).toBe('digraph {\n\t"[root] a.b (expand)" -> "[root] coder_agent.c (expand)"\n}\n');
  expect([...parseGraph(found).dependencies("a.b")]).toEqual(["coder_agent.c"]);
});
