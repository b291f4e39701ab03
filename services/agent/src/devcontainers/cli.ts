import { FleetError } from "@fleet/base";
import { ProgramFailed, runProgram } from "./program.js";

/** Where a dev container's files lie. */
export type DevcontainerFiles = {
  workspaceFolder: string;
  /** Empty for the usual place in the folder. */
  configPath: string;
};

/** An app that a devcontainer.json declares in `customizations.coder.apps`. */
export type CustomApp = Partial<
  Record<"slug" | "displayName" | "url" | "command" | "icon" | "share" | "openIn" | "group", string> &
    Record<"external" | "subdomain" | "hidden", boolean> & { order: number }
>;

/** What `customizations.coder` of a devcontainer.json says, that of its features merged. */
export type Customization = {
  ignore: boolean;
  autoStart: boolean;
  name: string;
  /** Names of apps such as `vscode`, by whether they are shown. */
  displayApps: Record<string, boolean>;
  apps: CustomApp[];
};

export type Configuration = {
  customization: Customization;
  /** The user whom its programs run as; empty for that of the container. */
  remoteUser: string;
  /** The workspace folder as seen in the container. */
  remoteFolder: string;
};

/** Runs `@devcontainers/cli` (its output is described at containers.dev). */
export type DevcontainerCli = {
  /**
   * Creates and starts the container, or starts the one that there is. With `recreate`, that is removed first.
   * @returns the id of the container. @throws failed_precondition with the reason in words.
   */
  up(
    files: DevcontainerFiles,
    options: { recreate: boolean; signal: AbortSignal; onLine(line: string): void },
  ): Promise<string>;
  /** @throws failed_precondition. */
  configuration(files: DevcontainerFiles, signal: AbortSignal): Promise<Configuration>;
};

export function createDevcontainerCli(environment: () => Record<string, string>): DevcontainerCli {
  const run = (args: string[], options: { signal: AbortSignal; onLine?(line: string): void }) =>
    runProgram("devcontainer", args, { env: environment(), ...options });

  return {
    async up(files, { recreate, signal, onLine }) {
      const args = ["up", "--log-format", "json", ...argumentsOf(files)];
      if (recreate) args.push("--remove-existing-container");
      let output: string;
      try {
        output = await run(args, { signal, onLine: (line) => linesOf(line).forEach(onLine) });
      } catch (error) {
        if (error instanceof ProgramFailed) throw new FleetError("failed_precondition", reasonOf(error));
        throw error;
      }
      const result = lastJson(output);
      if (typeof result.containerId !== "string")
        throw new FleetError(
          "failed_precondition",
          "`devcontainer up` did not say which container it started.",
        );
      return result.containerId;
    },

    async configuration(files, signal) {
      const args = ["read-configuration", "--include-merged-configuration", "--log-format", "json"];
      const read = lastJson(await run([...args, ...argumentsOf(files)], { signal }));
      const merged = record(read.mergedConfiguration);
      return {
        customization: mergeCustomizations(list(record(merged.customizations).coder)),
        remoteUser: text(merged.remoteUser) || text(merged.containerUser),
        remoteFolder: text(record(read.workspace).workspaceFolder),
      };
    },
  };
}

function argumentsOf({ workspaceFolder, configPath }: DevcontainerFiles): string[] {
  return ["--workspace-folder", workspaceFolder, ...(configPath ? ["--config", configPath] : [])];
}

/** What a person reads of a line of the CLI's log: texts and the output of commands, not each command. */
function linesOf(line: string): string[] {
  let entry: Record<string, unknown>;
  try {
    entry = record(JSON.parse(line));
  } catch {
    return line.trim() ? [line] : [];
  }
  const shown = entry.type === "raw" || (entry.type === "text" && Number(entry.level) >= 3);
  if (!shown) return [];
  return text(entry.text)
    .split(/\r?\n/)
    .filter((one) => one.trim() !== "");
}

/** Later ones override: those of the devcontainer.json come after those of its image and features. */
export function mergeCustomizations(given: readonly unknown[]): Customization {
  const merged: Customization = { ignore: false, autoStart: false, name: "", displayApps: {}, apps: [] };
  for (const one of given.map(record)) {
    if (typeof one.ignore === "boolean") merged.ignore = one.ignore;
    if (typeof one.autoStart === "boolean") merged.autoStart = one.autoStart;
    if (typeof one.name === "string") merged.name = one.name;
    for (const [name, shown] of Object.entries(record(one.displayApps)))
      merged.displayApps[name] = shown === true;
    for (const app of list(one.apps).map((each) => record(each) as CustomApp)) {
      if (!text(app.slug)) continue;
      merged.apps = [...merged.apps.filter(({ slug }) => slug !== app.slug), app];
    }
  }
  return merged;
}

/** `devcontainer up` prints `{"outcome":"error","message":…,"description":…}` when it fails. */
function reasonOf(failed: ProgramFailed): string {
  const result = lastJson(failed.output);
  const said = text(result.description) || text(result.message);
  return said ? `${failed.message} ${said}` : failed.message;
}

function lastJson(output: string): Record<string, unknown> {
  for (const line of output.trim().split("\n").reverse()) {
    try {
      return record(JSON.parse(line));
    } catch {
      // A line of something else.
    }
  }
  return {};
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
