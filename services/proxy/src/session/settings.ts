import { type HostPattern, parseHostPattern } from "@fleet/app-url";
import { FleetError } from "@fleet/base";
import type { SessionResponse_Settings } from "@fleet/proto-gen/proxy";

/** Settings that proxies receive from coderd. */
export type Settings = {
  accessUrl: URL;
  /** Wildcard hostname of subdomain apps; undefined if they are disabled. */
  wildcard: HostPattern | undefined;
  /** JWK set, as JSON. */
  appTokenJwks: string;
  relayToken: string;
  heartbeatIntervalMs: number;
  disablePathApps: boolean;
  proxyId: string;
  /** The SSH server's private key; empty from a coderd of an earlier release. */
  sshHostKey: string;
};

/** Settings of a regional proxy that override coderd's. */
export type SettingsOverrides = { accessUrl?: string; wildcardHostname?: string };

export type SettingsStore = {
  /** Undefined until coderd was reached for the first time; kept while it is unavailable. */
  current(): Settings | undefined;
  /** Throws `unavailable` before settings were received. */
  required(): Settings;
  /** Throws `invalid_argument` for invalid settings, and keeps the previous ones. */
  update(message: SessionResponse_Settings): void;
};

const DEFAULT_HEARTBEAT_MS = 15_000;

export function createSettingsStore(
  overrides: SettingsOverrides = {},
  onUpdate: (settings: Settings) => void = () => {},
): SettingsStore {
  let settings: Settings | undefined;
  return {
    current: () => settings,
    required() {
      if (settings) return settings;
      throw new FleetError(
        "unavailable",
        "The proxy is starting and not connected to coderd yet. Try again in a moment.",
      );
    },
    update(message) {
      const wildcard = overrides.wildcardHostname || message.wildcardHostname;
      settings = {
        accessUrl: new URL(overrides.accessUrl || message.accessUrl),
        wildcard: wildcard === "" ? undefined : parseHostPattern(wildcard),
        appTokenJwks: message.appTokenJwks,
        relayToken: message.relayToken,
        heartbeatIntervalMs:
          message.heartbeatIntervalMs > 0 ? message.heartbeatIntervalMs : DEFAULT_HEARTBEAT_MS,
        disablePathApps: message.disablePathApps,
        proxyId: message.proxyId,
        sshHostKey: message.sshHostKey,
      };
      onUpdate(settings);
    },
  };
}
