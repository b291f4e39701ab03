import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { createBodyKeeper } from "./repeatable.js";

const LIMITS = { bodyBytes: 10, bodiesBytes: 25 };

function upload(headers: Record<string, string>) {
  const body = new PassThrough();
  return { body, request: Object.assign(body, { headers }) as unknown as IncomingMessage };
}

test("concurrent uploads do not exceed the shared limit, and release what they reserved", async () => {
  const keeper = createBodyKeeper(LIMITS);
  const uploads = Array.from({ length: 3 }, () => upload({ "content-length": "10" }));
  const keeping = uploads.map(({ request }) => keeper.keep(request));
  // None has sent anything yet: what they may come to counts.
  expect(await keeping[2]).toBeUndefined();
  for (const { body } of uploads) body.end("0123456789");
  const [first, second] = await Promise.all(keeping);
  expect(first?.length).toBe(10);
  keeper.release(first!);
  keeper.release(second!);

  const cut = upload({ "content-length": "10" });
  const broken = keeper.keep(cut.request);
  cut.body.destroy(new Error("cut"));
  await expect(broken).rejects.toThrow("cut");
  const long = upload({ "transfer-encoding": "chunked" });
  const tooLong = keeper.keep(long.request);
  long.body.end("0123456789+");
  expect(await tooLong).toBeUndefined();
  expect(String(long.body.read())).toBe("0123456789+");
  const two = [upload({ "content-length": "10" }), upload({ "content-length": "10" })];
  for (const { body } of two) body.end("0123456789");
  for (const { request } of two) expect((await keeper.keep(request))?.length).toBe(10);
});
