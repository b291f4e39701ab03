import { FleetError } from "@fleet/base";
import fc from "fast-check";
import { type AppAddress, formatLabel, formatPath, isAppPort, parseLabel, parsePath } from "./address.js";
import {
  formatHost,
  formatHostPattern,
  labelOf,
  parseHost,
  parseHostPattern,
  sharedCookieDomain,
} from "./host.js";

const part = fc.stringMatching(/^[a-z0-9]{1,5}$/);
const name = fc.array(part, { minLength: 1, maxLength: 2 }).map((parts) => parts.join("-"));
const port = fc.record({ port: fc.integer({ min: 1000, max: 65_535 }), https: fc.boolean() });
const slug = name.filter((text) => !/^\d{4,5}s?$/.test(text)).map((text) => ({ slug: text }));
const names = { workspace: name, username: name };
const slugAddress = fc.record({ target: slug, agent: fc.option(name, { nil: undefined }), ...names });
const portAddress = fc.record({ target: port, agent: name, ...names });
const prefix = fc.option(fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,4}[a-z0-9])?$/), { nil: undefined });

/** As parsing returns it: without undefined keys. */
const clean = (address: AppAddress): AppAddress => JSON.parse(JSON.stringify(address)) as AppAddress;
const address = fc
  .tuple(prefix, fc.oneof(slugAddress, portAddress))
  .map(([prefix, rest]): AppAddress => clean({ ...rest, prefix }))
  .filter((address) => {
    const { prefix = "", agent = "", workspace, username } = address;
    return prefix.length + agent.length + workspace.length + username.length < 30;
  });

describe("labels", () => {
  it("parse to what they were formatted from", () => {
    fc.assert(fc.property(address, (address) => expect(parseLabel(formatLabel(address))).toEqual(address)));
  });

  it("are canonical: parsing accepts exactly what formatting produces", () => {
    const text = fc.stringMatching(/^[a-z0-9-]{1,40}$/).map((text) => text.replaceAll("-", "--"));
    const label = fc.oneof(
      text,
      fc.stringMatching(/^([a-z0-9]{1,2}---)?[0-9]{3,6}s?--[a-z]-?[a-z]--[a-z]--[a-z]$/),
    );
    fc.assert(
      fc.property(label, (label) => {
        const parsed = parseLabel(label);
        if (parsed) expect(formatLabel(parsed)).toBe(label);
      }),
    );
  });

  it("parsing arbitrary text yields only valid names and allowed ports", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parseLabel(text);
        if (parsed && "port" in parsed.target) expect(isAppPort(parsed.target.port)).toBe(true);
        if (parsed) expect(`${parsed.workspace}${parsed.username}`).toMatch(/^[a-zA-Z0-9-]+$/);
      }),
    );
  });

  it.each<[string, AppAddress]>([
    [
      "8080--main--ws--ana",
      { target: { port: 8080, https: false }, agent: "main", workspace: "ws", username: "ana" },
    ],
    [
      "8443s--main--ws--ana",
      { target: { port: 8443, https: true }, agent: "main", workspace: "ws", username: "ana" },
    ],
    ["code-server--ws--ana", { target: { slug: "code-server" }, workspace: "ws", username: "ana" }],
    ["code--main--ws--ana", { target: { slug: "code" }, agent: "main", workspace: "ws", username: "ana" }],
    ["8080--ws--ana", { target: { slug: "8080" }, workspace: "ws", username: "ana" }],
    ["x--y---app--ws--ana", { prefix: "x--y", target: { slug: "app" }, workspace: "ws", username: "ana" }],
  ])("%s", (label, expected) => {
    expect(parseLabel(label)).toEqual(expected);
    expect(formatLabel(expected)).toBe(label);
  });

  it.each([
    "",
    "ws",
    "ws--ana",
    "a--b--c--d--e",
    "0008--main--ws--ana",
    "0022s--main--ws--ana",
    "65536--main--ws--ana",
    "99999--main--ws--ana",
    "app--ws-",
    "-app--ws--ana",
    "app----ws--ana",
    "app_1--ws--ana",
    "---app--ws--ana",
    `${"a".repeat(60)}--w--u`,
  ])("%j is not an address", (label) => {
    expect(parseLabel(label)).toBeUndefined();
  });

  it.each<[string, AppAddress]>([
    ["a port without an agent", { target: { port: 8080, https: false }, workspace: "ws", username: "ana" }],
    [
      "a port of the agent's own",
      { target: { port: 1, https: false }, agent: "main", workspace: "ws", username: "ana" },
    ],
    [
      "a slug that looks like a port",
      { target: { slug: "8080" }, agent: "main", workspace: "ws", username: "ana" },
    ],
    ["a name that is none", { target: { slug: "app" }, workspace: "my--ws", username: "ana" }],
    ["a blank name", { target: { slug: "app" }, workspace: "", username: "ana" }],
    ["a prefix that is none", { prefix: "-", target: { slug: "app" }, workspace: "ws", username: "ana" }],
  ])("are rejected for %s", (_, address) => {
    expect(() => formatLabel(address)).toThrow(FleetError);
  });

  it("are rejected beyond 63 characters, including the pattern's suffix", () => {
    const address = { target: { slug: "app" }, workspace: "w".repeat(50), username: "ana" };
    expect(formatLabel(address)).toHaveLength(60);
    expect(() => formatLabel(address, "--apps")).toThrow(/63 characters/);
  });
});

describe("hosts", () => {
  it.each(["*.apps.example.com", "*--apps.example.com", "*.localhost:3000", "*-x.example.com"])(
    "under %s come back as what they were made of",
    (text) => {
      const pattern = parseHostPattern(text);
      expect(formatHostPattern(pattern)).toBe(text);
      fc.assert(
        fc.property(address, (address) => {
          const host = formatHost(address, pattern);
          expect(parseHost(host, pattern)).toEqual(address);
          expect(host.split(".")[0]!.length).toBeLessThanOrEqual(63);
        }),
      );
    },
  );

  const pattern = parseHostPattern("https://*--Apps.Example.com");

  it("match regardless of case, port and a trailing dot", () => {
    const expected = { target: { slug: "app" }, workspace: "ws", username: "ana" };
    expect(parseHost("App--WS--ana--APPS.example.COM:8443", pattern)).toEqual(expected);
    expect(parseHost("app--ws--ana--apps.example.com.", pattern)).toEqual(expected);
  });

  it.each([
    "example.com",
    "apps.example.com",
    "--apps.example.com",
    "a.b--ws--ana--apps.example.com",
    "app--ws--ana--apps.example.com.evil.com",
  ])("%s does not match the pattern", (host) => {
    expect(labelOf(host, pattern)).toBeUndefined();
    expect(parseHost(host, pattern)).toBeUndefined();
  });

  it.each([
    "",
    "example.com",
    "*",
    "*.",
    "a.*.example.com",
    "**.example.com",
    "*.example.com/path",
    "*apps.example.com",
    "*.exa mple.com",
  ])("%j is not a pattern", (text) => {
    expect(() => parseHostPattern(text)).toThrow(FleetError);
  });
});

describe("paths", () => {
  it("parse to what they were formatted from, with the rest of the path", () => {
    fc.assert(
      fc.property(slugAddress.map(clean), fc.webPath(), (address, path) => {
        const base = formatPath(address);
        expect(parsePath(base + path)).toEqual({ address, base, rest: path });
      }),
    );
  });

  it("keep the rest of the path unchanged", () => {
    expect(parsePath("/@ana/ws.main/apps/code/a%2Fb//c?")).toEqual({
      address: { target: { slug: "code" }, agent: "main", workspace: "ws", username: "ana" },
      base: "/@ana/ws.main/apps/code",
      rest: "/a%2Fb//c?",
    });
    expect(parsePath("/%40ana/ws/apps/code")).toMatchObject({ base: "/%40ana/ws/apps/code", rest: "" });
  });

  it.each([
    "/",
    "/ana/ws/apps/code",
    "/@ana/ws/apps/",
    "/@ana/ws/terminal",
    "/@ana/ws.a.b/apps/x",
    "/@ana/ws./apps/x",
    "/@a%2Fb/ws/apps/x",
    "/@ana/../apps/x",
  ])("%s is not a path app", (path) => expect(parsePath(path)).toBeUndefined());

  it("are rejected for a port", () => {
    const address = { target: { port: 8080, https: false }, agent: "main", workspace: "ws", username: "ana" };
    expect(() => formatPath(address)).toThrow(FleetError);
  });
});

test("apps share a cookie only on a domain of their own", () => {
  const domain = (text: string) => sharedCookieDomain(parseHostPattern(text));
  expect(domain("*.apps.example.com:8443")).toBe("apps.example.com");
  expect(domain("*--apps.example.com")).toBeUndefined();
  expect(domain("*.localhost:3000")).toBeUndefined();
});
