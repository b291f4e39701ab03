import { type Clock, errorMessage, type Logger, type Timer } from "@fleet/base";
import { WARNING_CODES, type Warning } from "../warnings.js";
import { type Access, type ApiServer, accountOf, mayAccess } from "./access.js";

export type RightsOptions = {
  server: ApiServer;
  /** Namespaces in which templates create pods, as configured. */
  namespaces: readonly string[];
  clock: Clock;
  logger: Logger;
};

export type Rights = {
  /** Missing permissions, as of the last check. */
  warnings(): readonly Warning[];
  close(): void;
};

/** How often to check again: namespaces without permissions, and namespaces with permissions. */
const RECHECK_MS = 20_000;
const RECHECK_WELL_MS = 10 * 60_000;
/** What terraform does with each object of the template `kubernetes`. */
const VERBS = ["create", "get", "patch", "delete"] as const;
const CLAIMS = { group: "", resource: "persistentvolumeclaims" };
/** A template creates workspaces as one of these; the chart may grant permissions for pods only. */
const WORKLOADS = [
  { group: "apps", resource: "deployments" },
  { group: "", resource: "pods" },
];

/**
 * Checks whether the pod's service account may create workspaces in the configured namespaces, and logs a message for
 * each in which it may not. Resolves after the first check; repeats it until closed.
 */
export async function watchRights(options: RightsOptions): Promise<Rights> {
  const { server, namespaces, clock, logger } = options;
  let warnings: Warning[] = [];
  let timer: Timer | undefined;
  let closed = false;

  async function look(): Promise<void> {
    const found = (await Promise.all(namespaces.map(check))).flat();
    const isKnown = (message: string, list: Warning[]) => list.some((one) => one.message === message);
    for (const { message } of found) if (!isKnown(message, warnings)) logger.error(message);
    for (const { message } of warnings)
      if (!isKnown(message, found)) logger.info("Mended.", { was: message });
    warnings = found;
    if (!closed) timer = clock.after(found.length > 0 ? RECHECK_MS : RECHECK_WELL_MS, () => void look());
  }

  async function check(namespace: string): Promise<Warning[]> {
    try {
      const [claims, ...workloads] = await Promise.all(
        [CLAIMS, ...WORKLOADS].map((kind) => missingVerbs({ namespace, ...kind })),
      );
      const workload = workloads.find((verbs) => verbs.length === 0) ?? workloads[0]!;
      const lacking = [
        ...(claims!.length > 0 ? [`${claims!.join(", ")} ${CLAIMS.resource}`] : []),
        ...(workload.length > 0 ? [`${workload.join(", ")} ${WORKLOADS[0]!.resource}`] : []),
      ];
      if (lacking.length === 0) return [];
      return [warn(withoutRights(namespace, await accountOf(server), lacking.join(" and ")))];
    } catch (error) {
      return [warn(unknown(namespace, errorMessage(error)))];
    }
  }

  async function missingVerbs(of: Omit<Access, "verb">): Promise<string[]> {
    const answers = await Promise.all(
      VERBS.map(async (verb) => ((await mayAccess(server, { ...of, verb })) ? [] : [verb])),
    );
    return answers.flat();
  }

  await look();
  return {
    warnings: () => warnings,
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

function warn(message: string): Warning {
  return { code: WARNING_CODES.namespaceWithoutRights, message };
}

const OR_ELSE =
  "If no workspaces run there, set CODER_PROVISIONERD_WORKSPACE_NAMESPACES to the namespaces where they do, or to an empty string.";

function withoutRights(namespace: string, account: string, lacking: string): string {
  return `The service account ${account} does not have permission to ${lacking} in the namespace "${namespace}", so templates cannot create workspaces there. Grant it with a RoleBinding. The chart creates one if coder.serviceAccount.workspacePerms, or workspacePerms of the namespace in coder.serviceAccount.workspaceNamespaces, is true. ${OR_ELSE}`;
}

function unknown(namespace: string, reason: string): string {
  return `Could not check permissions to create workspaces in the namespace "${namespace}": ${reason}. Make sure that provisionerd's pods have a service account token and can reach the API server. ${OR_ELSE}`;
}
