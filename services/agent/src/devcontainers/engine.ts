import { existsSync } from "node:fs";
import * as http from "node:http";
import { FleetError } from "@fleet/base";

/** A container as the engine lists it. */
export type EngineContainer = {
  id: string;
  name: string;
  image: string;
  labels: Record<string, string>;
  running: boolean;
  /** In the engine's words: "Up 2 hours". */
  status: string;
  createdAt: Date;
  ports: { port: number; network: string; hostIp: string; hostPort: number }[];
  /** Path in the container by path or name of the volume. */
  volumes: Record<string, string>;
};

/** The container engine of the workspace. */
export type Engine = {
  /** All containers, stopped ones included. @throws unavailable if the engine does not answer. */
  containers(): Promise<EngineContainer[]>;
  /** Removes a container with its anonymous volumes, running or not; does nothing if there is none. */
  remove(id: string): Promise<void>;
};

const DEFAULT_SOCKET = "/var/run/docker.sock";
const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 10_000;

/** The engine at `DOCKER_HOST` or its usual socket; undefined if there is none on this machine. */
export function findEngine(env: NodeJS.ProcessEnv): Engine | undefined {
  const socketPath = env.DOCKER_HOST ? unixPath(env.DOCKER_HOST) : DEFAULT_SOCKET;
  if (!socketPath || !existsSync(socketPath)) return undefined;
  return {
    async containers() {
      return parse(await ask(socketPath, "GET", "/containers/json?all=1")).map(toContainer);
    },
    async remove(id) {
      await ask(socketPath, "DELETE", `/containers/${encodeURIComponent(id)}?force=1&v=1`);
    },
  };
}

/** Undefined for an engine on another machine, whose containers cannot see this workspace's files. */
function unixPath(host: string): string | undefined {
  return host.startsWith("unix://") ? host.slice("unix://".length) : undefined;
}

/** The answer of the Docker Engine API; empty if it does not know the object. */
function ask(socketPath: string, method: string, path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fail = (reason: string, cause?: unknown) =>
    reject(new FleetError("unavailable", `The container engine did not answer: ${reason}.`, { cause }));
  const request = http.request({ socketPath, method, path, timeout: TIMEOUT_MS }, (response) => {
    const status = response.statusCode ?? 0;
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > ANSWER_LIMIT_BYTES) request.destroy(new Error("the answer is too long"));
      else chunks.push(chunk);
    });
    response.on("error", (error) => fail(error.message, error));
    response.on("end", () => {
      if (status === 404) resolve("");
      else if (status >= 400) fail(`status ${status}`);
      else resolve(Buffer.concat(chunks).toString("utf8"));
    });
  });
  request.on("timeout", () => request.destroy(new Error("it took too long")));
  request.on("error", (error) => fail(error.message, error));
  request.end();
  return promise;
}

function parse(answer: string): ListedContainer[] {
  try {
    return JSON.parse(answer) as ListedContainer[];
  } catch (cause) {
    throw new FleetError("unavailable", "The container engine did not answer: it is not JSON.", { cause });
  }
}

/** What of `GET /containers/json` is used (Docker Engine API 1.41). */
type ListedContainer = {
  Id: string;
  Names?: string[];
  Image?: string;
  Labels?: Record<string, string> | null;
  State?: string;
  Status?: string;
  /** Seconds since the epoch. */
  Created?: number;
  Ports?: { PrivatePort: number; PublicPort?: number; Type?: string; IP?: string }[] | null;
  Mounts?: { Name?: string; Source?: string; Destination?: string }[] | null;
};

function toContainer(listed: ListedContainer): EngineContainer {
  const mounts = (listed.Mounts ?? []).map(({ Name, Source, Destination }) => [
    Name || Source || "",
    Destination ?? "",
  ]);
  return {
    id: listed.Id,
    name: (listed.Names?.[0] ?? listed.Id).replace(/^\//, ""),
    image: listed.Image ?? "",
    labels: listed.Labels ?? {},
    running: listed.State === "running",
    status: listed.Status ?? "",
    createdAt: new Date((listed.Created ?? 0) * 1000),
    ports: (listed.Ports ?? []).map(({ PrivatePort, PublicPort, Type, IP }) => ({
      port: PrivatePort,
      network: Type ?? "tcp",
      hostIp: IP ?? "",
      hostPort: PublicPort ?? 0,
    })),
    volumes: Object.fromEntries(mounts),
  };
}
