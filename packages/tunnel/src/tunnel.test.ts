import { duplexPair } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { FleetError } from "@fleet/base";
import { createTunnel, type Tunnel, type TunnelOptions } from "./index.js";

function pair(client: Partial<TunnelOptions> = {}, server: Partial<TunnelOptions> = {}): [Tunnel, Tunnel] {
  const [left, right] = duplexPair();
  return [
    createTunnel(left!, { role: "client", ...client }),
    createTunnel(right!, { role: "server", ...server }),
  ];
}

const HEADER = { kind: "tcp", target: "127.0.0.1:8080" };

test("a stream carries both directions and keeps half-close", async () => {
  const [client] = pair(
    {},
    {
      onStream(pending) {
        const stream = pending.accept();
        void text(stream).then((all) => stream.end(`${pending.header.target} heard ${all}`));
      },
    },
  );
  using _ = client;
  const stream = await client.open(HEADER);
  stream.end("hello");
  expect(await text(stream)).toBe("127.0.0.1:8080 heard hello");
});

test("a refusal rejects open with the peer's code and message", async () => {
  const [client] = pair(
    {},
    { onStream: (pending) => pending.refuse(new FleetError("not_found", "Nothing listens there.")) },
  );
  using _ = client;
  await expect(client.open(HEADER)).rejects.toMatchObject({
    code: "not_found",
    message: "Nothing listens there.",
  });
  expect(client.stats().streams).toBe(0);
});

test("bulk larger than every window arrives whole", async () => {
  const [client] = pair(
    {},
    {
      onStream: (pending) => {
        const s = pending.accept();
        s.pipe(s);
      },
    },
  );
  using _ = client;
  const stream = client.openNow(HEADER);
  const sent = Buffer.alloc(5_000_000, "0123456789abcdef-");
  stream.end(sent);
  expect((await buffer(stream)).equals(sent)).toBe(true);
});
