import { isPair, splitList } from "./list-option.js";

test.each<[string, string[]]>([
  ["a=1", ["a=1"]],
  ["a=1,b=2", ["a=1", "b=2"]],
  ['"a=1,2",b=3', ["a=1,2", "b=3"]],
  ['"list=[""a"",""b""]"', ['list=["a","b"]']],
  ['list=["a","b"]', ['list=["a","b"]']],
  ["zones=a,b", ["zones=a,b"]],
  ["key=AAAA==", ["key=AAAA=="]],
  ["text=two\nlines, and a comma", ["text=two\nlines, and a comma"]],
  ["a=", ["a="]],
  ["", [""]],
])("%j is the pairs %j", (text, pairs) => {
  expect(splitList(text, isPair)).toEqual(pairs);
});

test("a plain list is split at commas", () => {
  expect(splitList("8080,9090:90")).toEqual(["8080", "9090:90"]);
});
