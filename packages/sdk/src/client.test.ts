import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { FleetError } from "@fleet/base";
import { type WebSocket as ServerSocket, WebSocketServer } from "ws";
import { createClient } from "./client.js";

const id = "3f8c5b6e-7c1b-4f0e-9a51-8f2f3a4c5d6e";

async function serve(
  handler: RequestListener,
  onSocket?: (socket: ServerSocket, request: IncomingMessage) => void,
) {
  const server = createServer(handler);
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, request) => onSocket?.(socket, request));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

async function refusal(promise: Promise<unknown>): Promise<FleetError> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(FleetError);
  return error as FleetError;
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe("a call", () => {
  it("sends what the route declares, with the token, and keeps unknown fields", async () => {
    let seen: Record<string, unknown> = {};
    await using server = await serve(async (request, response) => {
      const { method, url, headers } = request;
      seen = {
        method,
        url,
        token: headers["coder-session-token"],
        extra: headers["x-extra"],
        body: await textOf(request),
      };
      json(response, 201, { build_number: 3, invented_later: true });
    });
    const client = createClient({ baseUrl: `${server.url}/`, token: "abc-def", headers: { "X-Extra": "1" } });
    const build = await client.workspaceBuildCreate({
      params: { workspace: id },
      body: { transition: "start" },
    });
    expect(build).toEqual({ build_number: 3, invented_later: true });
    expect(seen).toEqual({
      method: "POST",
      url: `/api/v2/workspaces/${id}/builds`,
      token: "abc-def",
      extra: "1",
      body: '{"transition":"start"}',
    });
  });

  it("escapes parameters and omits undefined query values", async () => {
    let url: string | undefined;
    await using server = await serve((request, response) => {
      url = request.url;
      json(response, 200, []);
    });
    const client = createClient({ baseUrl: server.url });
    await client.userGet({ params: { user: "a/../b" } });
    expect(url).toBe("/api/v2/users/a%2F..%2Fb");
    await client.workspaceList({ query: { q: "owner:me dev", limit: 5, offset: undefined } });
    expect(url).toBe("/api/v2/workspaces?q=owner%3Ame+dev&limit=5");
  });

  it("returns undefined for an empty body and for 304", async () => {
    await using server = await serve((request, response) => {
      response.writeHead(request.method === "PUT" ? 204 : 304).end();
    });
    const client = createClient({ baseUrl: server.url });
    expect(await client.workspaceFavorite({ params: { workspace: id } })).toBeUndefined();
    expect(await client.templateUpdate({ params: { template: id }, body: {} })).toBeUndefined();
  });

  it("uploads bytes and downloads them as a Response", async () => {
    let upload: { type: string | undefined; text: string } | undefined;
    await using server = await serve(async (request, response) => {
      if (request.method === "GET") return void response.end("archive");
      upload = { type: request.headers["content-type"], text: await textOf(request) };
      json(response, 201, { hash: id });
    });
    const client = createClient({ baseUrl: server.url });
    const bytes = new TextEncoder().encode("tarball");
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    });
    for (const body of [bytes, stream]) {
      expect(await client.fileUpload({ body, contentType: "application/x-tar" })).toEqual({ hash: id });
      expect(upload).toEqual({ type: "application/x-tar", text: "tarball" });
    }
    const download = await client.fileDownload({ params: { file: id } });
    expect(await download.text()).toBe("archive");
  });
});

describe("a failure", () => {
  it("has the server's message, detail and validations, and the status's code", async () => {
    const validations = [{ field: "name", detail: "is taken" }];
    await using server = await serve((_, response) => {
      json(response, 409, { message: "That name is taken.", detail: "more", validations });
    });
    const error = await refusal(createClient({ baseUrl: server.url }).userGet({ params: { user: "me" } }));
    expect(error).toMatchObject({
      code: "conflict",
      message: "That name is taken.",
      detail: "more",
      validations,
    });
  });

  it("says if the response is not from the API", async () => {
    await using server = await serve((_, response) => {
      response.writeHead(502, { "Content-Type": "text/html" }).end("<h1>Bad gateway</h1>");
    });
    const error = await refusal(createClient({ baseUrl: server.url }).buildInfo());
    expect(error.code).toBe("unavailable");
    expect(error.message).toContain(`${server.url}/api/v2/buildinfo returned status 502`);
  });

  it("does not read an endless response", async () => {
    await using server = await serve((_, response) => {
      response.writeHead(500);
      const chunk = Buffer.alloc(16 * 1024, "x");
      const write = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", write);
      write();
    });
    const error = await refusal(createClient({ baseUrl: server.url }).buildInfo());
    expect(error.code).toBe("internal");
  });

  it("is `unavailable` with the address, without its query, if the server cannot be reached", async () => {
    const server = await serve(() => {});
    await server[Symbol.asyncDispose]();
    const client = createClient({ baseUrl: server.url });
    const error = await refusal(client.workspaceList({ query: { q: "secret" } }));
    expect(error.code).toBe("unavailable");
    expect(error.message).toContain(`${server.url}/api/v2/workspaces.`);
    expect(error.message).not.toContain("secret");
  });

  it("is `canceled` if the caller aborts", async () => {
    const controller = new AbortController();
    await using server = await serve(() => controller.abort());
    const call = createClient({ baseUrl: server.url }).buildInfo({ signal: controller.signal });
    expect((await refusal(call)).code).toBe("canceled");
  });
});

describe("a WebSocket stream", () => {
  const log = (n: number) => ({ id: n, output: `line ${n}` });

  it("yields each message until the server closes", async () => {
    let seen: unknown;
    await using server = await serve(
      () => {},
      (socket, request) => {
        seen = [request.url, request.headers["coder-session-token"]];
        for (let n = 1; n <= 100; n++) socket.send(JSON.stringify(log(n)));
        socket.close(1000);
      },
    );
    const client = createClient({ baseUrl: server.url, token: "abc-def" });
    const logs = await collect(
      client.workspaceBuildLogsFollow({ params: { build: id }, query: { after: 7 } }),
    );
    expect(logs).toEqual(Array.from({ length: 100 }, (_, index) => log(index + 1)));
    expect(seen).toEqual([`/api/v2/workspacebuilds/${id}/logs?follow=true&after=7`, "abc-def"]);
  });

  it("closes the socket when the reader stops", async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await serve(
      () => {},
      (socket) => {
        socket.on("close", () => closed.resolve());
        socket.send(JSON.stringify(log(1)));
      },
    );
    const client = createClient({ baseUrl: server.url });
    for await (const item of client.workspaceBuildLogsFollow({ params: { build: id } })) {
      expect(item).toEqual(log(1));
      break;
    }
    await closed.promise;
  });

  it("fails when the connection breaks, after the received messages", async () => {
    await using server = await serve(
      () => {},
      (socket) => socket.send(JSON.stringify(log(1)), () => socket.terminate()),
    );
    const stream = createClient({ baseUrl: server.url }).workspaceBuildLogsFollow({ params: { build: id } });
    const seen: unknown[] = [];
    const read = async () => {
      for await (const item of stream) seen.push(item);
    };
    expect((await refusal(read())).code).toBe("unavailable");
    expect(seen).toEqual([log(1)]);
  });

  it("drops a reader that falls behind, with a bounded number of buffered messages", async () => {
    const sent = Promise.withResolvers<void>();
    await using server = await serve(
      () => {},
      (socket) => {
        socket.on("close", () => sent.resolve());
        for (let n = 1; n <= 20_000; n++) socket.send(JSON.stringify(log(n)));
      },
    );
    const stream = createClient({ baseUrl: server.url }).workspaceBuildLogsFollow({ params: { build: id } });
    let count = 0;
    const read = async () => {
      for await (const _ of stream) {
        count++;
        await sent.promise;
      }
    };
    expect((await refusal(read())).code).toBe("resource_exhausted");
    expect(count).toBeLessThan(20_000);
  });

  it("fails on a message that is not JSON", async () => {
    await using server = await serve(
      () => {},
      (socket) => socket.send("<html>"),
    );
    const stream = createClient({ baseUrl: server.url }).workspaceBuildLogsFollow({ params: { build: id } });
    expect((await refusal(collect(stream))).message).toMatch(/not valid JSON/);
  });

  it("ends with `canceled` when aborted", async () => {
    const controller = new AbortController();
    await using server = await serve(
      () => {},
      (socket) => socket.send(JSON.stringify(log(1))),
    );
    const stream = createClient({ baseUrl: server.url }).workspaceBuildLogsFollow({
      params: { build: id },
      signal: controller.signal,
    });
    const read = async () => {
      for await (const _ of stream) controller.abort();
    };
    expect((await refusal(read())).code).toBe("canceled");
  });

  it("ends immediately when aborted, even without a closing handshake", async () => {
    await using server = await serve(
      () => {},
      (socket) => socket.send(JSON.stringify(log(1))),
    );
    const browsers = globalThis.WebSocket;
    const left: WebSocket[] = [];
    // What a browser does while its peer is frozen: closing takes a minute or more to have an effect.
    globalThis.WebSocket = class extends browsers {
      override close() {
        left.push(this);
      }
    };
    try {
      const controller = new AbortController();
      const { signal } = controller;
      const client = createClient({ baseUrl: server.url });
      const stream = client.workspaceBuildLogsFollow({ params: { build: id }, signal });
      const read = async () => {
        for await (const _ of stream) setImmediate(() => controller.abort());
      };
      expect((await refusal(read())).code).toBe("canceled");
      const opening = client.agentPty({ params: { agent: id }, query: { reconnect: id }, signal });
      expect((await refusal(opening)).code).toBe("canceled");
    } finally {
      globalThis.WebSocket = browsers;
      for (const socket of left) browsers.prototype.close.call(socket);
    }
  });

  it("is a plain socket for a terminal once open", async () => {
    await using server = await serve(
      () => {},
      (socket) => socket.on("message", (message) => socket.send(Buffer.from(`got ${message}`))),
    );
    const socket = await createClient({ baseUrl: server.url }).agentPty({
      params: { agent: id },
      query: { reconnect: id },
    });
    const answer = once(socket, "message") as Promise<[MessageEvent]>;
    socket.send("ls");
    const [{ data }] = await answer;
    expect(new TextDecoder().decode(data as ArrayBuffer)).toBe("got ls");
    socket.close();
  });
});

describe("a stream of server-sent events", () => {
  const answer = (chunks: readonly Uint8Array[]): RequestListener => {
    return async (request, response) => {
      if (request.headers.accept !== "text/event-stream") return json(response, 406, { message: "No." });
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      for (const chunk of chunks) await new Promise((resolve) => response.write(chunk, resolve));
      response.end();
    };
  };

  it("yields type and data of each event, however the bytes are split", async () => {
    const text =
      'event: data\ndata: {"name":"é"}\n\n: comment\n\nevent: ping\r\ndata: null\r\n\r\nevent: data\ndata: {"name":\ndata: "b"}\n\n';
    const bytes = Buffer.from(text);
    for (const chunks of [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))]) {
      await using server = await serve(answer(chunks));
      const events = await collect(
        createClient({ baseUrl: server.url }).workspaceWatch({ params: { workspace: id } }),
      );
      expect(events).toEqual([
        { type: "data", data: { name: "é" } },
        { type: "ping", data: null },
        { type: "data", data: { name: "b" } },
      ]);
    }
  });

  it("fails like any call if the server rejects it", async () => {
    await using server = await serve((_, response) =>
      json(response, 404, { message: "Workspace not found." }),
    );
    const stream = createClient({ baseUrl: server.url }).workspaceWatch({ params: { workspace: id } });
    expect(await refusal(collect(stream))).toMatchObject({
      code: "not_found",
      message: "Workspace not found.",
    });
  });
});
