import { createHash } from "node:crypto";
import { type Clock, FleetError } from "@fleet/base";
import { AccessMethod, type AppTarget } from "@fleet/proto-gen/proxy";
import { LIMITS } from "../limits.js";
import type { Coderd } from "../session/coderd.js";
import type { StreamGrant, StreamGrants } from "../session/grants.js";
import type { RequestedApp } from "./address.js";
import { type AppEndpoint, endpointOf } from "./connections.js";

/** Where an app listens, and who requested it. */
export type GrantedTarget = Pick<
  AppTarget,
  "agentId" | "workspaceId" | "userId" | "slugOrPort" | "corsPassthru"
> & {
  /** The app's URL as the agent sees it: `http://localhost:8080/path?query`. */
  url: URL;
  endpoint: AppEndpoint;
  /** Undefined if coderd's release does not support grants. */
  grant: StreamGrant | undefined;
};

export type Grant = {
  target: GrantedTarget;
  /** A token for the browser to send with its next request; undefined if it already sent one. */
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
      /** The workspace that this request may start. */
      wakeable?: string;
      /** The app may answer soon. */
      starting?: boolean;
      code?: string;
      busy?: boolean;
      /** A browser's page reloads after this time. */
      retrySeconds?: number;
      /** Other clients are told to wait so long. */
      retryAfterSeconds?: number;
    };

/** A request's credentials; empty strings for missing ones. */
export type Credentials = { sessionToken: string; signedToken: string };

/** The content of a valid signed app token: who may open which app, by ids. */
export type SignedGrant = { grant: StreamGrant; issuedAtMs: number; expiresAtMs: number };

export type GatekeeperOptions = {
  coderd: Pick<Coderd, "authorizeApp">;
  /** The grant in a signed token; undefined if its signature is invalid or it has expired. */
  verify(signedToken: string): Promise<SignedGrant | undefined>;
  grants: Pick<StreamGrants, "counts">;
  clock: Clock;
};

/** Authorizes requests to apps by the signed token that coderd issued before, or by asking coderd. */
export type Gatekeeper = {
  decide(app: RequestedApp, credentials: Credentials, requestUrl: string): Promise<Decision>;
  /** Clears remembered decisions: after a lost session, a revocation may have been missed. */
  clear(): void;
};

export function createGatekeeper({ coderd, verify, grants, clock }: GatekeeperOptions): Gatekeeper {
  // A client without a cookie jar sends the same session token every time; its decision is cached.
  const granted = new Map<string, Grant>();
  const verified = new Map<string, SignedGrant>();
  // A token identifies its app by ids, a URL by names: the last decision about the URL maps one to the other.
  const targets = new Map<string, { target: GrantedTarget; untilMs: number }>();

  const holds = (issuedAtMs: number, expiresAtMs: number, grant: StreamGrant | undefined) =>
    expiresAtMs > clock.now().getTime() && (!grant || grants.counts(grant, issuedAtMs));

  async function fromSignedToken(app: RequestedApp, signedToken: string): Promise<Grant | undefined> {
    // On the deployment's own origin, another app's page could plant its author's token in the visitor's browser.
    if (signedToken === "" || app.method === "path") return undefined;
    const known = targets.get(nameOf(app));
    if (!known || known.untilMs <= clock.now().getTime()) return undefined;
    let signed = verified.get(signedToken);
    if (!signed) {
      signed = await verify(signedToken);
      if (!signed) return undefined;
      // coderd's clock may be ahead: a decision's time is never later than when it was first seen.
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
        const { status, title, message, actionUrl, actionLabel, starting, wakeableWorkspaceId } =
          decision.value;
        return {
          kind: "refused",
          status: status >= 400 && status <= 599 ? status : 403,
          title: title || "Cannot open this app",
          message,
          action: actionUrl ? { url: actionUrl, label: actionLabel || "Continue" } : undefined,
          starting,
          ...(wakeableWorkspaceId ? { wakeable: wakeableWorkspaceId } : {}),
        };
      }
      case undefined:
        break;
    }
    throw new Error("coderd returned an empty decision for an app.");
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

/** Throws `invalid_argument` if the app's URL, which comes from its template, cannot be opened. */
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

/** A hash, so that no session token stays in memory after its request. */
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
