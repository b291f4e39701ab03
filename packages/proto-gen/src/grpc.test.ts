import { FleetError } from "@fleet/base";
import * as grpc from "@grpc/grpc-js";
import { AgentService } from "./gen/coder/agent/v1/agent_pb.js";
import { addService, createGrpcClient, type Handlers } from "./index.js";

type AgentMethods = Handlers<(typeof AgentService)["method"]>;

async function serve(handlers: Partial<AgentMethods>) {
  const server = new grpc.Server();
  addService(server, AgentService, handlers as AgentMethods);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const client = createGrpcClient(AgentService, {
    address: `127.0.0.1:${port}`,
    metadata: () => ({ "coder-agent-token": "t" }),
  });
  return {
    client,
    [Symbol.dispose]() {
      client.close();
      server.forceShutdown();
    },
  };
}

test("a unary call carries its message and metadata, and returns a response", async () => {
  using fleet = await serve({
    updateStartup: async (request, context) => {
      expect(request.version).toBe("v1");
      expect(context.metadata.get("coder-agent-token")).toEqual(["t"]);
      return {};
    },
  });
  await fleet.client.updateStartup({ version: "v1" });
});

test("a FleetError keeps its code and message over the wire", async () => {
  using fleet = await serve({
    getManifest: async () => {
      throw new FleetError("not_found", "This agent is gone.");
    },
  });
  await expect(fleet.client.getManifest({})).rejects.toMatchObject({
    code: "not_found",
    message: "This agent is gone.",
  });
});

test("an unknown error hides internal details", async () => {
  using fleet = await serve({
    getManifest: async () => {
      throw new Error("password is hunter2");
    },
  });
  const error = await fleet.client.getManifest({}).catch((e: FleetError) => e);
  expect(error).toMatchObject({ code: "internal" });
  expect((error as FleetError).message).not.toContain("hunter2");
});

test("a stream carries messages in both directions and ends with the handler", async () => {
  using fleet = await serve({
    connect: async (stream) => {
      for await (const request of stream) {
        await stream.send({ shutdown: request.bootId === "last" });
        if (request.bootId === "last") return;
      }
    },
  });
  const stream = fleet.client.connect();
  await stream.send({ bootId: "first" });
  await stream.send({ bootId: "last" });
  const seen: boolean[] = [];
  for await (const response of stream) seen.push(response.shutdown);
  expect(seen).toEqual([false, true]);
});

test("a handler notices that its client has gone", async () => {
  let gone!: () => void;
  const left = new Promise<void>((resolve) => {
    gone = resolve;
  });
  using fleet = await serve({
    connect: async (stream) => {
      for await (const _ of stream) await stream.send({});
      gone();
    },
  });
  const stream = fleet.client.connect();
  await stream.send({});
  for await (const _ of stream) break;
  await left;
});
