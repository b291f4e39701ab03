import { parsePortForwards, parseRemoteForward } from "./forward-spec.js";

const forward = (localPort: number, remotePort = localPort, localHost?: string) => ({
  ...(localHost ? { localHost } : {}),
  localPort,
  remotePort,
});

test.each([
  [["8080"], [forward(8080)]],
  [["8080:80"], [forward(8080, 80)]],
  [["127.0.0.2:8080:80"], [forward(8080, 80, "127.0.0.2")]],
  [["localhost:8080"], [forward(8080)]],
  [["[::1]:8080:80"], [forward(8080, 80, "::1")]],
  [["0.0.0.0:8080"], [forward(8080, 8080, "0.0.0.0")]],
  [["8080-8082"], [forward(8080), forward(8081), forward(8082)]],
  [["8080-8081:9080-9081"], [forward(8080, 9080), forward(8081, 9081)]],
  [
    ["1000,2000:3000", "4000"],
    [forward(1000), forward(2000, 3000), forward(4000)],
  ],
])("%j", (texts, forwards) => {
  expect(parsePortForwards(texts)).toEqual(forwards);
});

test.each(["", "http", "0", "70000", "9000-8000", "1-60000", "80:", "8080-8082:1-2", "1:2:3:4", "80,80"])(
  "%j is refused",
  (text) => {
    expect(() => parsePortForwards([text])).toThrow();
  },
);

const here = { host: "localhost", port: 3000 };

test.each([
  ["9000:localhost:3000", { listen: { host: "localhost", port: 9000 }, target: here }],
  ["0.0.0.0:9000:localhost:3000", { listen: { host: "0.0.0.0", port: 9000 }, target: here }],
  ["9000:[::1]:3000", { listen: { host: "localhost", port: 9000 }, target: { host: "::1", port: 3000 } }],
  ["9000:/run/here.sock", { listen: { host: "localhost", port: 9000 }, target: { path: "/run/here.sock" } }],
  ["/run/there.sock:localhost:3000", { listen: { path: "/run/there.sock" }, target: here }],
  [
    "/run/there.sock:/run/here.sock",
    { listen: { path: "/run/there.sock" }, target: { path: "/run/here.sock" } },
  ],
])("the remote forward %s", (text, forward) => {
  expect(parseRemoteForward(text)).toEqual(forward);
});

test.each(["abc", "9000", "18032", "9000:3000", "9000:localhost:70000", "0:localhost:1"])(
  "%j is not a remote forward",
  (text) => {
    expect(() => parseRemoteForward(text)).toThrow("is not a valid remote forward");
  },
);

test("another host is refused with the command that reaches it", () => {
  for (const text of ["8080:db.internal:5432", "8080:10.0.0.5:5432", "8080:[fd00::1]:5432"])
    expect(() => parsePortForwards([text])).toThrow(`ssh -L ${text} <workspace>.coder`);
});
