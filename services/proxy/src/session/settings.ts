import { type HostPattern, parseHostPattern } from "@fleet/app-url";
import { FleetError } from "@fleet/base";
import type { SessionResponse_Settings } from "@fleet/proto-gen/proxy";

/** What the deployment tells its proxies. */
export type Settings = {
  accessUrl: URL;
  /** Where subdomain apps live; undefined when there are none. */
  wildcard: HostPattern | undefined;
  /** JWK set, as JSON. */
  appTokenJwks: string;
  relayToken: string;
  heartbeatIntervalMs: number;
  disablePathApps: boolean;
  proxyId: string;
};

/** What a regional proxy's operator sets beside what coderd says. */
export type SettingsOverrides = { accessUrl?: string; wildcardHostname?: string };

export type SettingsStore = {
  /** Undefined until coderd was reached for the first time; kept while it is away. */
  current(): Settings | undefined;
  /** Throws `unavailable` before the first. */
  required(): Settings;
  /** Throws `invalid_argument` for settings that make no sense, and keeps the ones before. */
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
        "The proxy is starting: it has not reached coderd. Try again in a moment.",
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
      };
      onUpdate(settings);
    },
  };
}
