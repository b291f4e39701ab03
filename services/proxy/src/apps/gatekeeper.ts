import { createHash } from "node:crypto";
import { type Clock, FleetError } from "@fleet/base";
import { AccessMethod, type AppTarget } from "@fleet/proto-gen/proxy";
import { LIMITS } from "../limits.js";
import type { Coderd } from "../session/coderd.js";
import type { StreamGrant, StreamGrants } from "../session/grants.js";
import type { RequestedApp } from "./address.js";
import { type AppEndpoint, endpointOf } from "./connections.js";

/** Where an app is and who asked. */
export type GrantedTarget = Pick<
  AppTarget,
  "agentId" | "workspaceId" | "userId" | "slugOrPort" | "corsPassthru"
> & {
  /** The app as the agent finds it: `http://localhost:8080/path?query`. */
  url: URL;
  endpoint: AppEndpoint;
  /** Undefined where coderd is of a release that hands out none. */
  grant: StreamGrant | undefined;
};

export type Grant = {
  target: GrantedTarget;
  /** For the browser to show on its next request; undefined when it has shown it. */
  signedToken: string | undefined;
  issuedAtMs: number;
  expiresAtMs: number;
};

export type Decision =
  | { kind: "granted"; grant: Grant }
  | { kind: "redirect"; url: string }
  | {
      kind: "refused";
      status: number;
      title: string;
      message: string;
      action?: { url: string; label: string };
    };

/** What a request shows for itself; empty strings for what it does not. */
export type Credentials = { sessionToken: string; signedToken: string };

/** What a valid signed app token says: who may open which app, by ids. */
export type SignedGrant = { grant: StreamGrant; issuedAtMs: number; expiresAtMs: number };

export type GatekeeperOptions = {
  coderd: Pick<Coderd, "authorizeApp">;
  /** The grant in a signed token; undefined when its signature or time is not good. */
  verify(signedToken: string): Promise<SignedGrant | undefined>;
  grants: Pick<StreamGrants, "counts">;
  clock: Clock;
};

/** Decides who may reach which app: by the signed token that coderd gave before, else by asking coderd. */
export type Gatekeeper = {
  decide(app: RequestedApp, credentials: Credentials, requestUrl: string): Promise<Decision>;
  /** Forgets what was decided: after a lost session, a revocation may have been missed. */
  clear(): void;
};

export function createGatekeeper({ coderd, verify, grants, clock }: GatekeeperOptions): Gatekeeper {
  // A client without a cookie jar asks with the same session token again and again: coderd need not be.
  const granted = new Map<string, Grant>();
  const verified = new Map<string, SignedGrant>();
  // A token names its app by ids, a URL by names: which is which was learnt with the last decision about the URL.
  const targets = new Map<string, { target: GrantedTarget; untilMs: number }>();

  const holds = (issuedAtMs: number, expiresAtMs: number, grant: StreamGrant | undefined) =>
    expiresAtMs > clock.now().getTime() && (!grant || grants.counts(grant, issuedAtMs));

  async function fromSignedToken(app: RequestedApp, signedToken: string): Promise<Grant | undefined> {
    // On the deployment's own origin, a page of another app could plant its maker's token and be taken for the visitor.
    if (signedToken === "" || app.method === "path") return undefined;
    const known = targets.get(nameOf(app));
    if (!known || known.untilMs <= clock.now().getTime()) return undefined;
    let signed = verified.get(signedToken);
    if (!signed) {
      signed = await verify(signedToken);
      if (!signed) return undefined;
      // coderd's clock may be ahead: no decision is younger than the moment in which it was seen first.
      signed.issuedAtMs = Math.min(signed.issuedAtMs, clock.now().getTime());
      remember(verified, signedToken, signed);
    }
    const { grant, issuedAtMs, expiresAtMs } = signed;
    if (!holds(issuedAtMs, expiresAtMs, grant) || !sameApp(grant, known.target)) return undefined;
    const target = { ...known.target, userId: grant.userId, grant };
    return { target, issuedAtMs, expiresAtMs, signedToken: undefined };
  }

  async function ask(app: RequestedApp, sessionToken: string, requestUrl: string): Promise<Decision> {
    const issuedAtMs = clock.now().getTime();
    const { decision } = await coderd.authorizeApp({
      accessMethod: app.method === "path" ? AccessMethod.PATH : AccessMethod.SUBDOMAIN,
      usernameOrId: app.username,
      workspaceNameOrId: app.workspace,
      agentNameOrId: app.agent,
      appSlugOrPort: app.slugOrPort,
      sessionToken,
      requestUrl,
    });
    switch (decision.case) {
      case "redirectUrl":
        return { kind: "redirect", url: decision.value };
      case "granted": {
        const { signedToken, expiresAtMs, target } = decision.value;
        if (!target) break;
        const grant = {
          target: readTarget(target),
          signedToken,
          issuedAtMs,
          expiresAtMs: Number(expiresAtMs),
        };
        return { kind: "granted", grant };
      }
      case "refused": {
        const { status, title, message, actionUrl, actionLabel } = decision.value;
        return {
          kind: "refused",
          status: status >= 400 && status <= 599 ? status : 403,
          title: title || "This app cannot be opened",
          message,
          action: actionUrl ? { url: actionUrl, label: actionLabel || "Continue" } : undefined,
        };
      }
      case undefined:
        break;
    }
    throw new Error("coderd's decision on an app is empty.");
  }

  return {
    async decide(app, { sessionToken, signedToken }, requestUrl) {
      const shown = await fromSignedToken(app, signedToken);
      if (shown) return { kind: "granted", grant: shown };
      const key = keyOf(app, sessionToken);
      const known = granted.get(key);
      if (known && holds(known.issuedAtMs, known.expiresAtMs, known.target.grant))
        return { kind: "granted", grant: known };
      granted.delete(key);
      const decision = await ask(app, sessionToken, requestUrl);
      if (decision.kind === "granted") {
        const { target, expiresAtMs } = decision.grant;
        remember(granted, key, decision.grant);
        remember(targets, nameOf(app), { target, untilMs: expiresAtMs });
      }
      return decision;
    },
    clear() {
      targets.clear();
      granted.clear();
      verified.clear();
    },
  };
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > LIMITS.grants) map.delete(map.keys().next().value!);
}

/** Throws `invalid_argument` where the app's URL, which its template gives, is none that could be opened. */
function readTarget(told: AppTarget): GrantedTarget {
  const { agentId, workspaceId, userId, slugOrPort, grant, corsPassthru, url: text } = told;
  const url = URL.parse(text);
  if (url === null) throw new FleetError("invalid_argument", `"${text}" is not a valid URL.`);
  const endpoint = endpointOf(agentId, url);
  return { agentId, workspaceId, userId, slugOrPort, grant, corsPassthru, url, endpoint };
}

function nameOf({ method, username, workspace, agent, slugOrPort }: RequestedApp): string {
  return [method, username, workspace, agent, slugOrPort].join("/");
}

/** A hash: no session token stays in memory for longer than its request. */
function keyOf(app: RequestedApp, sessionToken: string): string {
  return createHash("sha256")
    .update(`${nameOf(app)} ${sessionToken}`)
    .digest("base64");
}

function sameApp(signed: StreamGrant, target: GrantedTarget): boolean {
  return (
    signed.workspaceId === target.workspaceId &&
    signed.agentId === target.agentId &&
    signed.appSlugOrPort === target.slugOrPort
  );
}
