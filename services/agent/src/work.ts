import type { Clock, Logger } from "@fleet/base";
import type { GetManifestResponse } from "@fleet/proto-gen/agent";
import { checkApps } from "./apps/health.js";
import type { AgentConfig } from "./config.js";
import { collectMetadata } from "./metadata/collector.js";
import { monitorResources } from "./monitoring/monitor.js";
import { memoryUsage, volumeUsage } from "./monitoring/usage.js";
import { createScripts, type Scripts } from "./scripts/scripts.js";
import { expandPath } from "./shell/environment.js";
import { createScriptFile } from "./shell/script-file.js";
import type { WorkspaceUser } from "./shell/user.js";
import type { Reports } from "./uplink/reports.js";

/** What an agent does for as long as its manifest says so. */
export type Work = {
  readonly scripts: Scripts;
  /** Ends the scripts' schedule, and what is collected and checked. Scripts that run are left to end. */
  stop(): void;
};

/** Schedules the manifest's scripts, collects its metadata, checks its apps and samples what it monitors. */
export function startWork({
  manifest,
  config,
  user,
  environment,
  directory,
  reports,
  clock,
  logger,
}: {
  manifest: Pick<GetManifestResponse, "scripts" | "metadata" | "apps" | "resourcesMonitoring">;
  config: Pick<AgentConfig, "logDir" | "scriptDataDir">;
  user: WorkspaceUser;
  environment(): Record<string, string>;
  directory(): string;
  reports: Reports;
  clock: Clock;
  logger: Logger;
}): Work {
  const { logDir, scriptDataDir: dataDir } = config;
  const scripts = createScripts({
    scripts: manifest.scripts,
    user,
    environment,
    directory,
    dataDir,
    logDir,
    reports,
    clock,
    logger,
  });
  const scriptFile = (script: string) => createScriptFile(user.shell, script, dataDir);
  const collecting = collectMetadata({
    items: manifest.metadata,
    scriptFile,
    environment,
    directory,
    reports,
    clock,
  });
  const checking = checkApps({ apps: manifest.apps, reports, clock });
  const monitoring = monitorResources({
    monitoring: manifest.resourcesMonitoring,
    read: { memory: memoryUsage, volume: volumeUsage },
    expand: (path) => expandPath(path, environment(), user.home),
    reports,
    clock,
    logger,
  });
  scripts.schedule();
  return {
    scripts,
    stop() {
      scripts.stopSchedule();
      collecting.stop();
      checking.stop();
      monitoring.stop();
    },
  };
}
