import { createCachedValue, FleetError } from "@fleet/base";
import { isPostgresAway } from "../outage.js";
import {
  type AddressSection,
  createHealthChecks,
  type DaemonsSection,
  type DatabaseSection,
  type HealthChecksOptions,
  type ProxiesSection,
  type Section,
  type WebsocketSection,
} from "./health-checks.js";

/** Names by which clients dismiss sections. */
export const HEALTH_SECTIONS = {
  access_url: "AccessURL",
  database: "Database",
  derp: "DERP",
  provisioner_daemons: "ProvisionerDaemons",
  websocket: "Websocket",
  workspace_proxy: "WorkspaceProxy",
} as const;
export type SectionKey = keyof typeof HEALTH_SECTIONS;

const SETTINGS_KEY = "health_settings";

/** The results of all checks at one time. */
export type HealthReport = {
  time: Date;
  access_url: AddressSection;
  database: DatabaseSection;
  derp: Section & { regions: Record<string, never>; netcheck: null; netcheck_logs: string[] };
  websocket: WebsocketSection;
  workspace_proxy: ProxiesSection;
  provisioner_daemons: DaemonsSection;
};

export type HealthOptions = HealthChecksOptions & {
  /** How long a report is cached. */
  refreshMs: number;
};

/** Health of the deployment's dependencies. */
export type Health = {
  /** Returns a cached report until it expires or the Redis connection goes down or comes back. */
  report(options?: { force?: boolean | undefined }): Promise<HealthReport>;
  /** The names of dismissed sections. */
  dismissed(): Promise<string[]>;
  /** Sets the dismissed sections. @throws invalid_argument for a name that is not in HEALTH_SECTIONS. */
  setDismissed(sections: string[]): Promise<void>;
};

export function createHealth(options: HealthOptions): Health {
  const { clock, deployment } = options;
  const checks = createHealthChecks(options);

  async function check(): Promise<HealthReport> {
    const [access_url, database, websocket, workspace_proxy, provisioner_daemons] = await Promise.all([
      checks.addresses(),
      checks.stores(),
      checks.websocket(),
      checks.proxies(),
      checks.daemons(),
    ]);
    // There is no relay network to check: agents connect through the access URL.
    const derp = {
      severity: "ok" as const,
      warnings: [],
      error: null,
      regions: {},
      netcheck: null,
      netcheck_logs: [],
    };
    return { time: clock.now(), access_url, database, derp, websocket, workspace_proxy, provisioner_daemons };
  }
  const cached = createCachedValue(clock, options.refreshMs, check);
  let toldOfRedis: string | undefined;

  const report: typeof cached = ({ force = false } = {}) => {
    const { sentence } = options.redisOutage;
    const changed = sentence !== toldOfRedis;
    toldOfRedis = sentence;
    return cached({ force: force || changed });
  };

  return {
    report,
    async dismissed() {
      const stored = await deployment.get(SETTINGS_KEY).catch((error: unknown) => {
        // The report already says that Postgres is down; failing to read dismissals must not hide it.
        if (isPostgresAway(error)) return undefined;
        throw error;
      });
      return stored ? (JSON.parse(stored) as string[]) : [];
    },
    async setDismissed(sections) {
      const names: string[] = Object.values(HEALTH_SECTIONS);
      const unknown = sections.find((section) => !names.includes(section));
      if (unknown !== undefined) {
        const detail = `"${unknown}" is not a valid section. Valid values: ${names.join(", ")}.`;
        throw new FleetError("invalid_argument", detail, {
          validations: [{ field: "dismissed_healthchecks", detail }],
        });
      }
      await deployment.set(SETTINGS_KEY, JSON.stringify(sections));
    },
  };
}
