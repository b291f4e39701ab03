import fc from "fast-check";
import { confineSetCookie, DEPLOYMENT_COOKIES, stripDeploymentCookies } from "./cookies.js";

describe("stripDeploymentCookies", () => {
  it.each([
    ["a=1; coder_session_token=x; b=2", "a=1; b=2"],
    ["coder_session_token=x", undefined],
    ["", undefined],
    ["coder_subdomain_app_session_token_1a2b=x;a=1", "a=1"],
    ["__Host-coder_session_token=x; a=1", "a=1"],
    ["coder_signed_app_token =x; a=1", "a=1"],
    ["a=coder_session_token; my_coder_session_token=1", "a=coder_session_token; my_coder_session_token=1"],
    ["a=b=c; flag", "a=b=c; flag"],
  ])("%j becomes %j", (header, expected) => {
    expect(stripDeploymentCookies(header)).toBe(expected);
  });

  it("removes exactly the deployment's cookies, in any order", () => {
    const own = fc.constantFrom(...DEPLOYMENT_COOKIES).map((name) => `${name}=secret`);
    const other = fc.stringMatching(/^[a-z]{1,4}=[a-z]{0,3}$/);
    fc.assert(
      fc.property(fc.array(fc.oneof(own, other)), (pairs) => {
        const expected = pairs.filter((pair) => !pair.endsWith("=secret"));
        expect(stripDeploymentCookies(pairs.join("; ")) ?? "").toBe(expected.join("; "));
      }),
    );
  });
});

describe("confineSetCookie", () => {
  it.each([
    ["sid=1; Domain=.apps.example.com; Path=/; HttpOnly", undefined, "sid=1; Path=/; HttpOnly"],
    ["sid=1; domain = example.com", undefined, "sid=1"],
    ["coder_session_token=forged; Path=/", undefined, undefined],
    ["sid=1; Path=/; Secure", "/@ana/ws/apps/code", "sid=1; Secure; Path=/@ana/ws/apps/code"],
    ["sid=1", "/@ana/ws/apps/code", "sid=1; Path=/@ana/ws/apps/code"],
    ["sid=1; Path=/@ana/ws/apps/code/sub", "/@ana/ws/apps/code", "sid=1; Path=/@ana/ws/apps/code/sub"],
    ["sid=1; Path=/@ana/ws/apps/code2", "/@ana/ws/apps/code", "sid=1; Path=/@ana/ws/apps/code"],
  ])("%j under %j becomes %j", (header, base, expected) => {
    expect(confineSetCookie(header, base)).toBe(expected);
  });
});
