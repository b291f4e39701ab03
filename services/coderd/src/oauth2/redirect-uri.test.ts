import { isRegistered, redirectUriProblem, withParameters } from "./redirect-uri.js";

test.each([
  "https://app.example.com/callback",
  "https://app.example.com:8443/a/b?c=d",
  "https://xn--80ak6aa92e.com/callback",
  "http://127.0.0.1:8080/callback",
  "http://127.0.0.1/",
  "http://[::1]:1234/cb",
  "http://localhost/callback",
  "http://app.localhost:3000/callback",
  "cursor://anysphere.cursor-mcp/oauth/callback",
  "vscode://coder.coder-remote/callback",
  "com.example.app:/oauth2redirect",
  "myapp://callback",
])("%s can be registered", (uri) => expect(redirectUriProblem(uri)).toBeUndefined());

test.each([
  "",
  "/callback",
  "callback",
  "//app.example.com/callback",
  "https://user@app.example.com/callback",
  "https://user:password@app.example.com/callback",
  "https://app.example.com@evil.example/callback",
  "https://app.example.com/callback#fragment",
  "https://app.example.com/callback#",
  "https://app.example.com\\@evil.example/callback",
  "https:\\\\app.example.com/callback",
  "https:/app.example.com/callback",
  "https:app.example.com",
  "https://app.example.com/a/../callback",
  "https://app.example.com/a/%2e%2e/callback",
  "https://app.example.com/a/.%2E/callback",
  "https://app.example.com/./callback",
  "https://app.example.com/%zz",
  "https://app.example.com/call back",
  "https://app.example.com/\u0000",
  "https://app.example.com/\n",
  "https://аpp.example.com/callback",
  "https://*.example.com/callback",
  "https://",
  "http://app.example.com/callback",
  "http://127.0.0.1.evil.example/callback",
  "http://localhost.evil.example/callback",
  "http://0.0.0.0/callback",
  "javascript:alert(1)",
  "JavaScript:alert(1)",
  "javascript://app.example.com/%0Aalert(1)",
  "data:text/html,x",
  "file:///etc/passwd",
  "ftp://app.example.com/",
  "blob:https://app.example.com/1",
  "vbscript:x",
  "mailto:a@example.com",
  "tel:1",
  "sms:1",
  "ws://127.0.0.1/",
  "urn:ietf:wg:oauth:2.0:oob",
  `https://app.example.com/${"a".repeat(2_048)}`,
])("%j cannot be registered", (uri) => expect(redirectUriProblem(uri)).toMatch(/^[A-Z].+/));

const REGISTERED = [
  "https://app.example.com/callback",
  "http://127.0.0.1:8080/callback?a=b",
  "http://localhost/cb",
  "cursor://anysphere.cursor-mcp/cb",
];

test.each([
  "https://app.example.com/callback",
  "http://127.0.0.1:8080/callback?a=b",
  "http://127.0.0.1:65535/callback?a=b",
  "http://127.0.0.1/callback?a=b",
  "http://localhost:1/cb",
  "cursor://anysphere.cursor-mcp/cb",
])("%s matches", (uri) => expect(isRegistered(REGISTERED, uri)).toBe(true));

test.each([
  "https://app.example.com/callback/",
  "https://app.example.com/callback?x",
  "https://app.example.com/callback#x",
  "https://app.example.com/Callback",
  "https://APP.example.com/callback",
  "https://app.example.com:443/callback",
  "https://app.example.com:8443/callback",
  "https://app.example.com/x/../callback",
  "https://app.example.com/%63allback",
  "https://app.example.com.evil.example/callback",
  "https://evil.example/?https://app.example.com/callback",
  "https://app.example.com@evil.example/callback",
  "https://user@app.example.com/callback",
  "https://app.example.com\\.evil.example/callback",
  "http://app.example.com/callback",
  "http://127.0.0.1:8080/callback",
  "http://127.0.0.1:99999/callback?a=b",
  "http://127.0.0.1:80:80/callback?a=b",
  "http://127.0.0.1:8080@evil.example/callback?a=b",
  "http://127.0.0.1:@evil.example/callback?a=b",
  "http://127.0.0.1\\@evil.example/callback?a=b",
  "http://127.0.0.1.evil.example/callback?a=b",
  "http://127.1/callback?a=b",
  "http://2130706433/callback?a=b",
  "http://[::1]:8080/callback?a=b",
  "http://localhost:1/cb/../x",
  "https://127.0.0.1:8080/callback?a=b",
  "cursor://anysphere.cursor-mcp:1/cb",
  "cursor://anysphere.cursor-mcp/cb/",
  "",
])("%j does not match", (uri) => expect(isRegistered(REGISTERED, uri)).toBe(false));

test("parameters are added to an existing query", () => {
  expect(withParameters("https://a.example/?x=1", { code: "a b&", state: undefined })).toBe(
    "https://a.example/?x=1&code=a+b%26",
  );
  expect(withParameters("cursor://a/cb", { error: "access_denied" })).toBe(
    "cursor://a/cb?error=access_denied",
  );
});
