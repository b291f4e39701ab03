import { type Clock, errorMessage, type Outage, VERSION } from "@fleet/base";
import type { Redis } from "ioredis";
import { WebSocket } from "ws";
import type { DaemonStore, DaemonWarning } from "../provisionerdaemons/store.js";
import { DAEMON_STALE_MS } from "../provisionerjobs/predicates.js";
import { proxyStatus } from "../proxies/status.js";
import type { ProxyStore } from "../proxies/store.js";
import type { Deployment } from "./service.js";
import { findUncoveredWildcard } from "./wildcard.js";

export type Severity = "ok" | "warning" | "error";
export type HealthWarning = { code: string; message: string };

/** The result of one check. `error` is set if the component does not work at all. */
export type Section = { severity: Severity; warnings: HealthWarning[]; error: string | null };

export type AddressSection = Section & {
  access_url: string;
  reachable: boolean;
  /** HTTP status of /healthz; 0 if there was no response. */
  status_code: number;
  healthz_response: string;
};
export type DatabaseSection = Section & {
  reachable: boolean;
  /** Median latency of a few pings, with unit. */
  latency: string;
  latency_ms: number;
  threshold_ms: number;
};
export type WebsocketSection = Section & {
  /** Response body if the server refused the WebSocket. */
  body: string;
  /** 101 once the WebSocket is open; 0 if nothing responded. */
  code: number;
};
export type ProxiesSection = Section & {
  workspace_proxies?: { regions: { id: string; name: string; path_app_url: string }[] };
};
export type DaemonsSection = Section & {
  items: {
    provisioner_daemon: {
      id: string;
      name: string;
      version: string;
      api_version: string;
      created_at: string;
      last_seen_at: string | undefined;
      provisioners: string[];
      tags: Record<string, string>;
    };
    warnings: HealthWarning[];
  }[];
};

/** Health checks, one per component. None throws: failures are reported in the section. */
export type HealthChecks = {
  /** Checks that the access URL leads to this deployment, and which wildcard hostnames do not. */
  addresses(): Promise<AddressSection>;
  /** Checks Postgres and Redis. Redis has no section of its own, since clients know only a fixed set. */
  stores(): Promise<DatabaseSection>;
  /** Opens a WebSocket through the access URL and waits for its message. */
  websocket(): Promise<WebsocketSection>;
  proxies(): Promise<ProxiesSection>;
  daemons(): Promise<DaemonsSection>;
};

const CHECK_TIMEOUT_MS = 10_000;
const PINGS = 5;
const SWITCHING_PROTOCOLS = 101;

export type HealthChecksOptions = {
  redis: Redis;
  redisOutage: Outage;
  clock: Clock;
  deployment: Deployment;
  proxies: ProxyStore;
  daemons: DaemonStore;
  accessUrl: string;
  /** Wildcard hostname of subdomain apps; empty if not set. */
  wildcardHostname: string;
  /** Median ping above which the database is reported as slow. */
  databaseThresholdMs: number;
};

/** The codes are upstream's, so that its documentation applies. */
export function createHealthChecks(options: HealthChecksOptions): HealthChecks {
  const { clock, deployment } = options;
  const accessUrl = new URL(options.accessUrl);

  return {
    addresses: checkAddresses,
    stores: checkStores,
    websocket: checkWebsocket,
    proxies: () => checkProxies().catch((error) => failed(`EWP02: ${reasonOf(error)}`)),
    daemons: () => checkDaemons().catch((error) => ({ ...failed(`EPD01: ${reasonOf(error)}`), items: [] })),
  };

  async function checkAddresses(): Promise<AddressSection> {
    const [section, uncovered] = await Promise.all([
      checkAccessUrl(),
      findUncoveredWildcard(accessUrl, options.wildcardHostname),
    ]);
    if (uncovered === undefined) return section;
    const { warnings } = warn("EACS05", uncovered);
    const severity: Severity = section.severity === "ok" ? "warning" : section.severity;
    return { ...section, severity, warnings: [...section.warnings, ...warnings] };
  }

  async function checkAccessUrl(): Promise<AddressSection> {
    const facts = { access_url: options.accessUrl, reachable: false, status_code: 0, healthz_response: "" };
    try {
      const response = await fetch(new URL("/healthz", accessUrl), {
        signal: AbortSignal.timeout(CHECK_TIMEOUT_MS),
      });
      const text = (await response.text()).slice(0, 1_000).trim();
      Object.assign(facts, { reachable: true, status_code: response.status, healthz_response: text });
      if (response.ok && text === "OK") return { ...ok(), ...facts };
      return {
        ...warn("EACS04", `${facts.access_url}/healthz returned status ${response.status} instead of OK.`),
        ...facts,
      };
    } catch (error) {
      return {
        ...failed(`EACS03: The server cannot reach ${facts.access_url}: ${reasonOf(error)}`),
        ...facts,
      };
    }
  }

  async function checkDatabase(): Promise<DatabaseSection> {
    const threshold_ms = options.databaseThresholdMs;
    try {
      const times: number[] = [];
      for (let i = 0; i < PINGS; i++) {
        const from = performance.now();
        await deployment.ping();
        times.push(performance.now() - from);
      }
      const median = times.sort((a, b) => a - b)[Math.floor(PINGS / 2)]!;
      const facts = {
        reachable: true,
        latency: `${median.toFixed(3)}ms`,
        latency_ms: Math.round(median),
        threshold_ms,
      };
      if (median <= threshold_ms) return { ...ok(), ...facts };
      const message = `The database latency is ${facts.latency}, above the threshold of ${threshold_ms} ms. Move the database closer to coderd or give it more resources.`;
      return { ...warn("EDB02", message), ...facts };
    } catch (error) {
      const facts = { reachable: false, latency: "0ms", latency_ms: 0, threshold_ms };
      return { ...failed(`EDB01: The database is not responding: ${reasonOf(error)}`), ...facts };
    }
  }

  async function checkStores(): Promise<DatabaseSection> {
    const [database, redis] = await Promise.all([checkDatabase(), checkRedis()]);
    return redis.severity === "ok" || database.error ? database : { ...database, ...redis };
  }

  async function checkRedis(): Promise<Section> {
    try {
      await options.redis.ping();
      return ok();
    } catch (error) {
      const reason = `Redis (CODER_REDIS_URL) is not responding: ${reasonOf(error)}`;
      return failed(`EDB03: ${options.redisOutage.sentence ?? reason}`);
    }
  }

  async function checkWebsocket(): Promise<WebsocketSection> {
    const url = new URL("/api/v2/debug/ws", accessUrl);
    url.protocol = accessUrl.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, { handshakeTimeout: CHECK_TIMEOUT_MS, maxPayload: 1_024 });
    const timer = clock.after(CHECK_TIMEOUT_MS, () => socket.terminate());
    // A socket closed before it opens emits another error, which needs a listener.
    socket.on("error", () => {});
    /** The server's response and status: 101 once the socket is open. */
    const answer = { body: "", code: 0 };
    socket.once("upgrade", () => Object.assign(answer, { code: SWITCHING_PROTOCOLS }));
    socket.once("unexpected-response", (_request, response) => {
      answer.code = response.statusCode ?? 0;
      socket.emit("error", new Error(`Unexpected server response: ${answer.code}`));
      response.destroy();
    });
    try {
      let open = false;
      socket.once("open", () => {
        open = true;
      });
      await new Promise<void>((resolve, reject) => {
        socket.once("message", () => resolve());
        socket.once("error", (error) => reject(new Error(`EWS01: ${error.message}`)));
        socket.once("close", () =>
          reject(
            new Error(
              open
                ? "EWS02: The WebSocket closed before a message arrived"
                : "EWS01: The WebSocket connection was lost",
            ),
          ),
        );
      });
      return { ...ok(), ...answer };
    } catch (error) {
      const section = failed(
        `${errorMessage(error)}. Configure the load balancer or proxy in front of ${accessUrl.host} to allow WebSockets.`,
      );
      return { ...section, ...answer };
    } finally {
      timer.cancel();
      socket.terminate();
    }
  }

  async function checkProxies(): Promise<ProxiesSection> {
    const rows = await options.proxies.list();
    const silent = rows.filter((row) => proxyStatus(row, clock.now()) !== "ok");
    return {
      ...silent.reduce<Section>(
        (section, { name }) => merge(section, warn("EWP04", `The workspace proxy ${name} is not connected.`)),
        ok(),
      ),
      workspace_proxies: { regions: rows.map(({ id, name, url }) => ({ id, name, path_app_url: url })) },
    };
  }

  async function checkDaemons(): Promise<DaemonsSection> {
    const since = new Date(clock.now().getTime() - DAEMON_STALE_MS);
    const daemons = await options.daemons.listSeen(since);
    const items = daemons.map((daemon) => ({
      provisioner_daemon: {
        id: daemon.id,
        name: daemon.name,
        version: daemon.version,
        api_version: daemon.apiVersion,
        created_at: daemon.createdAt.toISOString(),
        last_seen_at: daemon.lastSeenAt?.toISOString(),
        provisioners: daemon.provisioners,
        tags: daemon.tags as Record<string, string>,
      },
      warnings: [
        ...(daemon.version === VERSION ? [] : [mismatch(daemon)]),
        ...(daemon.warnings as DaemonWarning[]),
      ],
    }));
    const section = daemons.length > 0 ? ok() : failed("EPD01: No provisioner daemon is connected.");
    // A problem of one daemon replica usually affects them all, so report it once.
    const told = new Map(items.flatMap((item) => item.warnings.map((one) => [one.message, one])));
    const warnings = [...told.values()];
    const severity: Severity =
      section.severity === "ok" && warnings.length > 0 ? "warning" : section.severity;
    return { ...section, severity, warnings, items };
  }
}

function mismatch(daemon: { name: string; version: string }): HealthWarning {
  const message = `The provisioner daemon ${daemon.name} runs version ${daemon.version || "unknown"}, but the server runs ${VERSION}.`;
  return { code: "EPD02", message };
}

function ok(): Section {
  return { severity: "ok", warnings: [], error: null };
}

function warn(code: string, message: string): Section {
  return { severity: "warning", warnings: [{ code, message }], error: null };
}

function failed(error: string): Section {
  return { severity: "error", warnings: [], error };
}

function merge(a: Section, b: Section): Section {
  return { severity: b.severity, warnings: [...a.warnings, ...b.warnings], error: b.error ?? a.error };
}

function reasonOf(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause;
  return errorMessage(cause ?? error);
}
