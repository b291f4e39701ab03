import { once } from "node:events";
import { connect, constants } from "node:http2";
import * as grpc from "@grpc/grpc-js";
import { SELF_SIGNED } from "../testing/certificate.js";
import { AGENT_ID, startFleet, USER_TOKEN } from "../testing/fleet.js";

const HOST = "rpc--main--dev--ana.apps.test";
const raw = (bytes: Buffer) => bytes;
const ECHO = {
  echo: {
    path: "/test.Echo/Echo",
    requestStream: true,
    responseStream: true,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  },
};

/** A gRPC server in the workspace: it answers each message in upper case, and `fail` with a status of its own. */
async function fleetWithGrpc(options: Parameters<typeof startFleet>[0] = {}) {
  const fleet = await startFleet(options);
  const server = new grpc.Server();
  const seen: grpc.Metadata[] = [];
  server.addService(ECHO, {
    echo(call: grpc.ServerDuplexStream<Buffer, Buffer>) {
      seen.push(call.metadata);
      call.on("data", (message: Buffer) => {
        if (String(message) !== "fail") return call.write(Buffer.from(String(message).toUpperCase()));
        const metadata = new grpc.Metadata();
        metadata.set("x-why", "asked");
        return call.emit("error", { code: grpc.status.DATA_LOSS, details: "gone", metadata });
      });
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  fleet.addApp({ slugOrPort: "rpc", url: `http://127.0.0.1:${port}` });
  await fleet.connectAgent();
  return {
    ...fleet,
    seen,
    server,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
      await fleet[Symbol.asyncDispose]();
    },
  };
}

function call(address: string, token = USER_TOKEN, secure = false, host = HOST) {
  const credentials = secure
    ? grpc.credentials.createSsl(Buffer.from(SELF_SIGNED.cert), null, null, {
        checkServerIdentity: () => undefined,
      })
    : grpc.credentials.createInsecure();
  const client = new grpc.Client(address, credentials, { "grpc.default_authority": host });
  const metadata = new grpc.Metadata();
  if (token) metadata.set("coder-session-token", token);
  const stream = client.makeBidiStreamRequest(ECHO.echo.path, raw, raw, metadata);
  const status = new Promise<grpc.StatusObject>((resolve) => stream.once("status", resolve));
  stream.on("error", () => {});
  void status.then(() => client.close());
  return { stream, status };
}

test("gRPC streams in both directions with status and trailers, without the deployment's headers", async () => {
  await using fleet = await fleetWithGrpc();
  const { stream, status } = call(fleet.proxy.address);
  for (const word of ["one", "two"]) {
    stream.write(Buffer.from(word));
    expect(String((await once(stream, "data"))[0])).toBe(word.toUpperCase());
  }
  stream.end();
  stream.resume();
  expect((await status).code).toBe(grpc.status.OK);
  expect(fleet.seen[0]!.get("coder-session-token")).toEqual([]);
  expect(fleet.seen[0]!.get("x-forwarded-host")).toEqual([HOST]);

  const failing = call(fleet.proxy.address);
  failing.stream.resume();
  failing.stream.end(Buffer.from("fail"));
  expect(await failing.status).toMatchObject({ code: grpc.status.DATA_LOSS, details: "gone" });
  expect((await failing.status).metadata.get("x-why")).toEqual(["asked"]);
});

test("gRPC works over TLS for HTTP/2-only clients", async () => {
  await using fleet = await fleetWithGrpc({ tls: { ...SELF_SIGNED, address: "127.0.0.1:0" } });
  const { stream, status } = call(fleet.proxy.tlsAddress!, USER_TOKEN, true);
  stream.end(Buffer.from("tls"));
  expect(String((await once(stream, "data"))[0])).toBe("TLS");
  expect((await status).code).toBe(grpc.status.OK);
});

test("a call to an unreachable app ends with a status and a message", async () => {
  await using fleet = await fleetWithGrpc();
  const web = await fleet.startWeb();
  fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  const statusOf = async (token: string, host = HOST) => {
    const { stream, status } = call(fleet.proxy.address, token, false, host);
    stream.resume();
    stream.end(Buffer.from("x"));
    const { code, details, metadata } = await status;
    return [code, decodeURIComponent(details), metadata.get("x-coder-error")[0]];
  };
  expect(await statusOf("")).toEqual([
    grpc.status.UNAUTHENTICATED,
    expect.stringContaining("signed out"),
    "sign_in_required",
  ]);
  expect((await statusOf(USER_TOKEN, HOST.replace("rpc", "none")))[0]).toBe(grpc.status.NOT_FOUND);
  expect(await statusOf(USER_TOKEN, HOST.replace("rpc", "web"))).toMatchObject([
    grpc.status.UNAVAILABLE,
    expect.anything(),
    "app_speaks_http1",
  ]);
  fleet.server.forceShutdown();
  expect(await statusOf(USER_TOKEN)).toMatchObject([
    grpc.status.UNAVAILABLE,
    expect.stringContaining("Nothing is listening"),
    "app_not_listening",
  ]);
});

test("a client's cancel reaches the app, and other HTTP/2 requests are told to use HTTP/1.1", async () => {
  await using fleet = await fleetWithGrpc();
  const { stream, status } = call(fleet.proxy.address);
  stream.write(Buffer.from("x"));
  await once(stream, "data");
  stream.cancel();
  expect((await status).code).toBe(grpc.status.CANCELLED);

  const session = connect(`http://${fleet.proxy.address}`);
  const plain = session.request({
    ":path": `/api/v2/workspaceagents/${AGENT_ID}/ssh`,
    ":authority": "coder.test",
  });
  await once(plain, "error");
  expect(plain.rstCode).toBe(constants.NGHTTP2_HTTP_1_1_REQUIRED);
  session.destroy();
});
