import { parsePortForwards, parseRemoteForward } from "./forward-spec.js";

const forward = (localPort: number, remotePort = localPort, localHost = "127.0.0.1") => ({
  localHost,
  localPort,
  remotePort,
});

test.each([
  [["8080"], [forward(8080)]],
  [["8080:80"], [forward(8080, 80)]],
  [["127.0.0.2:8080:80"], [forward(8080, 80, "127.0.0.2")]],
  [["localhost:8080"], [forward(8080, 8080, "localhost")]],
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

test.each(["", "http", "0", "70000", "9000-8000", "1-60000", "80:", "8080-8082:1-2", "1:2:3:4"])(
  "%j is refused",
  (text) => {
    expect(() => parsePortForwards([text])).toThrow();
  },
);

test("a remote forward", () => {
  expect(parseRemoteForward("9000:localhost:3000")).toEqual({
    remotePort: 9000,
    localHost: "localhost",
    localPort: 3000,
  });
  expect(() => parseRemoteForward("9000")).toThrow("no remote forward");
});
