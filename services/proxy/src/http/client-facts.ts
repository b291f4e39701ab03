import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { FleetError } from "@fleet/base";
import { headerText } from "./headers.js";

/** The original client of a request, whichever proxies relayed it. */
export type ClientFacts = {
  /** IP address. */
  address: string;
  proto: "http" | "https";
  /** Host and port as the client named them, lower case. */
  host: string;
  requestId: string;
};

export type TrustOptions = {
  /** CIDR ranges or addresses of load balancers whose forwarding headers are trusted. */
  origins: readonly string[];
  /** Headers, most trusted first, that hold the client's address; `X-Forwarded-For` if the list is empty. */
  headers: readonly string[];
};

const REQUEST_ID = /^[\w.:-]{8,128}$/;

/** True for the address of a load balancer that is trusted to name the client. */
export type IsTrusted = (address: string) => boolean;

/** Throws `invalid_argument` for an origin that is not an address or a CIDR range. */
export function createTrust(origins: readonly string[]): IsTrusted {
  const trusted = blockListOf(origins);
  return (address) => isIP(address) !== 0 && trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** Reads the facts of a request. Throws `invalid_argument` for an origin that is not an address or a CIDR range. */
export function createClientFacts(trust: TrustOptions): (request: IncomingMessage) => ClientFacts {
  const isTrusted = createTrust(trust.origins);
  const headers = (trust.headers.length > 0 ? trust.headers : ["X-Forwarded-For"]).map((h) =>
    h.toLowerCase(),
  );

  /** The last address in the chain that is not a trusted proxy. */
  function addressFrom(value: string): string | undefined {
    const hops = value.split(",").map((hop) => plainAddress(hop.trim()));
    for (const hop of hops.reverse()) {
      if (isIP(hop) === 0) return undefined;
      if (!isTrusted(hop)) return hop;
    }
    return hops.at(-1);
  }

  return (request) => {
    const { socket } = request;
    const peer = plainAddress(socket.remoteAddress ?? "");
    const encrypted = "encrypted" in socket && socket.encrypted === true;
    const facts: ClientFacts = {
      address: peer,
      proto: encrypted ? "https" : "http",
      host: (request.headers.host ?? "").toLowerCase(),
      requestId: randomUUID(),
    };
    if (!isTrusted(peer)) return facts;
    for (const name of headers) {
      const value = headerText(request, name);
      const address = value && addressFrom(value);
      if (!address) continue;
      facts.address = address;
      break;
    }
    const proto = headerText(request, "x-forwarded-proto");
    if (proto === "http" || proto === "https") facts.proto = proto;
    const requestId = headerText(request, "x-request-id");
    if (requestId && REQUEST_ID.test(requestId)) facts.requestId = requestId;
    return facts;
  };
}

/** The address without brackets, port, zone and the IPv4-mapped prefix. */
export function plainAddress(address: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1];
  const bare =
    bracketed ??
    (/^\d+\.\d+\.\d+\.\d+:\d+$/.test(address) ? address.slice(0, address.indexOf(":")) : address);
  return bare.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
}

function blockListOf(origins: readonly string[]): BlockList {
  const list = new BlockList();
  for (const origin of origins) {
    const [address = "", bits] = origin.trim().split("/");
    const family = isIP(address);
    const prefix = bits === undefined ? (family === 6 ? 128 : 32) : Number(bits);
    if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > (family === 6 ? 128 : 32)) {
      throw new FleetError(
        "invalid_argument",
        `"${origin}" in CODER_PROXY_TRUSTED_ORIGINS is not a valid CIDR range. Example: 10.0.0.0/8.`,
      );
    }
    list.addSubnet(address, prefix, family === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

const FORWARDED = new Set([
  "cf-connecting-ip",
  "forwarded",
  "true-client-ip",
  "x-client-ip",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-forwarded-server",
  "x-real-ip",
  "x-request-id",
]);

/** True for a header with which a client could spoof its address; the proxy sets its own. */
export function isForwardedHeader(name: string): boolean {
  return FORWARDED.has(name);
}

/** The forwarding headers for the next hop. */
export function forwardedHeaders(facts: ClientFacts): Record<string, string> {
  return {
    "X-Forwarded-For": facts.address,
    "X-Forwarded-Host": facts.host,
    "X-Forwarded-Proto": facts.proto,
    "X-Request-Id": facts.requestId,
  };
}
