import { createMask, MASK } from "./mask.js";

const SECRET = "s3cret+value/ü";

function maskOf(...values: string[]) {
  const mask = createMask();
  mask.add(values);
  return mask;
}

test.each([
  ["as it is", SECRET],
  ["in JSON", JSON.stringify({ a: SECRET })],
  ["in a URL", encodeURIComponent(SECRET)],
  ["in base64", Buffer.from(SECRET).toString("base64")],
  ["in base64 for URLs", Buffer.from(SECRET).toString("base64url")],
  ["in base64 after one byte", Buffer.from(`x${SECRET}`).toString("base64")],
  ["in a Basic header", Buffer.from(`ab:${SECRET}@host`).toString("base64")],
  ["in base64 after two bytes", Buffer.from(`xy${SECRET}z`).toString("base64url")],
])("a secret %s is hidden, and the rest stays", (_how, text) => {
  const shown = maskOf(SECRET).apply(`before ${text} after`);
  expect(shown).toMatch(/^before .* after$/);
  expect(shown).toContain(MASK);
  for (const form of ["s3cret", "czNjcmV0", "M2NyZXQ", "zY3JldC"]) expect(shown).not.toContain(form);
});

test("each line of a key is hidden, but not the lines around it", () => {
  const key = "-----BEGIN KEY-----\nb3BlbnNzaC1rZXk\nAAAABG5vbmUAAAA\n-----END KEY-----\n";
  const mask = maskOf(key);
  expect(key.split("\n").map((line) => mask.apply(line))).toEqual([
    "-----BEGIN KEY-----",
    MASK,
    MASK,
    "-----END KEY-----",
    "",
  ]);
});

test("the strings of a list are hidden, short values are not, and a value inside another is hidden with it", () => {
  expect(maskOf('["first-password", "x"]').apply("first-password x")).toBe(`${MASK} x`);
  expect(maskOf("short", "").apply("short")).toBe("short");
  expect(maskOf("password", "password-and-more").apply("password-and-more")).toBe(MASK);
  expect(maskOf("$1(.*)[a]").apply("$1(.*)[a] $1(.*)[b]")).toBe(`${MASK} $1(.*)[b]`);
});
