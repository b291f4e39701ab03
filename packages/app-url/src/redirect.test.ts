import { parseHostPattern } from "./host.js";
import { localPath, parseAppUrl } from "./redirect.js";

const ACCESS = new URL("https://coder.example:8443");
const APP = "8080--main--dev--ana";

function accepted(text: string, wildcard = "*.apps.example", access = ACCESS): string | undefined {
  return parseAppUrl(text, parseHostPattern(wildcard), access)?.href;
}

test.each([
  [`https://${APP}.apps.example/x?y=1`, `https://${APP}.apps.example/x?y=1`],
  [`https://${APP}.apps.example:8443/x`, `https://${APP}.apps.example:8443/x`],
  [`https://${APP}.apps.example:443/x`, `https://${APP}.apps.example/x`],
  [`HTTPS://${APP.toUpperCase()}.Apps.Example/x`, `https://${APP}.apps.example/x`],
  [`https://${APP}.apps.example//evil.example/x`, `https://${APP}.apps.example/evil.example/x`],
  [`https://${APP}.apps.example/\\evil.example`, `https://${APP}.apps.example/evil.example`],
  [`https://${APP}.apps.example/\t/evil.example`, `https://${APP}.apps.example/evil.example`],
  [`https://${APP}.apps.example/x#fragment`, `https://${APP}.apps.example/x`],
])("%s redirects to %s", (text, href) => {
  expect(accepted(text)).toBe(href);
});

test.each([
  `http://${APP}.apps.example/`,
  `http://${APP}.apps.example:8443/`,
  `https://${APP}.apps.example:9000/`,
  `https://${APP}.apps.example./`,
  `https://${APP}.apps.example.evil.example/`,
  `https://${APP}.apps.example@evil.example/`,
  `https://ana@${APP}.apps.example/`,
  `https://ana:secret@${APP}.apps.example/`,
  `https://evil.example\\@${APP}.apps.example/`,
  "https://apps.example/",
  "https://coder.example:8443/",
  `//${APP}.apps.example/`,
  `/${APP}.apps.example/`,
  "javascript:alert(1)",
  "",
])("%s does not belong to an app", (text) => {
  expect(accepted(text)).toBeUndefined();
});

test("a wildcard with a port matches no other port", () => {
  expect(accepted(`https://${APP}.apps.example:9443/`, "*.apps.example:9443")).toBeDefined();
  for (const port of ["", ":8443", ":443"])
    expect(accepted(`https://${APP}.apps.example${port}/`, "*.apps.example:9443")).toBeUndefined();
  expect(accepted(`https://${APP}.apps.example/`, "*.apps.example:443")).toBeDefined();
});

test.each([
  ["//evil.example/", "/evil.example/"],
  ["/\\evil.example", "/evil.example"],
  ["\\\\evil.example", "/evil.example"],
  ["/\t//evil.example", "/evil.example"],
  ["evil.example", "/evil.example"],
  ["", "/"],
  ["/?next=//evil.example", "/?next=//evil.example"],
  ["/a//b", "/a//b"],
])("%j stays on this host as %s", (path, local) => {
  expect(localPath(path)).toBe(local);
});
