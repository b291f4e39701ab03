import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Provider } from "../gen/tfplugin5_pb.js";
import { reattachValue } from "../host.js";
import { type ProviderHandlers, servePlugin } from "../wire/server.js";
import { plain } from "./plain.js";
import type { ProviderClient } from "./upstream.js";

/** A request from terraform and the provider's response, in the form of `plain`. */
export type RecordedCall = {
  readonly method: keyof (typeof Provider)["method"];
  readonly request: Record<string, unknown>;
  readonly response: Record<string, unknown>;
};

/** A proxy between terraform and another provider that records their messages. */
export async function recordProvider(target: ProviderClient, record: (call: RecordedCall) => void) {
  const folder = await mkdtemp(join(tmpdir(), "tfr-"));
  const path = join(folder, "s");
  const ask = target as unknown as Record<string, (request: unknown) => Promise<unknown>>;
  const handlers = Object.fromEntries(
    Provider.methods.map(({ localName: method }) => [
      method,
      async (request: unknown) => {
        const response = await ask[method]!(request);
        if (method !== "getSchema") {
          record({ method, request: plain(request), response: plain(response) } as RecordedCall);
        }
        return response;
      },
    ]),
  );
  const stop = await servePlugin({
    path,
    onShutdown: () => {},
    handlers: handlers as unknown as ProviderHandlers,
  });
  return {
    reattach: reattachValue(path),
    async [Symbol.asyncDispose]() {
      stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
