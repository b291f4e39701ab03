import { appNameProblem, normalizedAppName } from "./app-name.js";

test.each(["Cursor", "JetBrains Toolbox", "Приложение", "アプリ", "Café", "Grafana (prod) 2"])(
  "%s is a name",
  (name) => expect(appNameProblem(normalizedAppName(name))).toBeUndefined(),
);

test.each([
  ["", "empty"],
  ["   ", "empty"],
  ["a".repeat(65), "at most 64"],
  ["Coder\u202eredoC", "invisible"],
  ["Co\u200bder", "invisible"],
  ["Co\u00adder", "invisible"],
  ["Coder\u3164", "invisible"],
  ["Coder\u0000", "invisible"],
  ["\u2066Coder\u2069", "invisible"],
  ["Cоder", "look like"],
  ["Αdmin", "look like"],
  ["Z\u030d\u030e\u0304\u0305", "stack"],
])("%j is not: %s", (name, why) => expect(appNameProblem(normalizedAppName(name))).toContain(why));

test("names that look the same are the same", () => {
  expect(normalizedAppName(" Ｃｏｄｅｒ\t  x ")).toBe("Coder x");
});
