import { matches, patternFault } from "./re2.js";
import { PatternRefused } from "./rules.js";

// [expression, text, result of Go's regexp.MatchString]
const CASES: readonly [string, string, boolean][] = [
  ["^[a-z]+$", "abc", true],
  ["^[a-z]+$", "abc\n", false],
  ["(?i)^abc$", "ABC", true],
  ["^a(?i)b$", "aB", true],
  ["^a((?i)b)c$", "aBC", false],
  ["(?P<year>\\d{4})", "in 2024", true],
  ["^[[:alpha:]_]+$", "a_b", true],
  ["^[[:alpha:]]+$", "a1", false],
  ["\\Aabc\\z", "abc", true],
  ["(?m)\\Ab", "a\nb", false],
  ["(?m)^b$", "a\nb", true],
  ["^\\pL+$", "äö", true],
  ["^\\p{Greek}+$", "αβ", true],
  ["^\\Qa.b\\E$", "a.b", true],
  ["^\\Qa.b\\E$", "axb", false],
  ["^a{2}$", "aa", true],
  ["^{a}$", "{a}", true],
  ["^[]a]$", "]", true],
  ["^[a\\-z]$", "-", true],
  ["^a\\-b\\_c\\@d$", "a-b_c@d", true],
  ["^\\\\A$", "\\A", true],
  ["^.$", "😀", true],
  ["^\\x{1F600}$", "😀", true],
  ["^\\s$", "\u00a0", false],
  ["", "anything", true],
];

test.each(CASES)("%j on %j is %j", (expression, text, expected) => {
  expect(matches(expression, text)).toBe(expected);
});

test.each([
  ["(", "missing closing )"],
  ["a(?=b)", "character 2: (?="],
  ["(a)\\1", "character 4: \\1"],
  ["[a", "missing closing ]"],
  ["a**", "character 2: **"],
  ["(?<!a)b", "invalid named capture"],
  ["[z-a]", "character 2: z-a"],
  ["a{1001}", "character 2: {1001}"],
])("%j is rejected as in Go, with position and reason", (pattern, reason) => {
  expect(() => matches(pattern, "ab")).toThrow(PatternRefused);
  expect(patternFault(pattern)).toContain(reason);
});

test("a pattern takes linear time, whatever its nesting", () => {
  expect(matches("^(a+)+$", `${"a".repeat(100_000)}!`)).toBe(false);
});
