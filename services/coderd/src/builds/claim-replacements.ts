import type { UnitOfWork } from "../database/unit-of-work.js";
import type { Notifier } from "../notifications/notifier.js";
import type { JudgedPlan } from "../policies/judge.js";
import type { ClaimFacts } from "./claim-replacements-store.js";

/**
 * Tells of resources that a claim of a prebuild replaces: in the build's log, and the template's administrators, who can
 * prevent it. The workspace is then not ready sooner than a new one.
 */
export type ClaimReplacements = {
  /** Lines for the build's log, one for each resource. */
  replaced(jobId: string, plan: JudgedPlan): Promise<string[]>;
};

/** Resources that are named; more are counted. */
const NAMED = 20;

export function createClaimReplacements(options: {
  /** Undefined if the job's build is gone. */
  factsOf(jobId: string): Promise<ClaimFacts | undefined>;
  notifier: Notifier;
  unitOfWork: Pick<UnitOfWork, "run">;
  /** Called with what a claim replaces. */
  onReplaced(facts: ClaimFacts): void;
}): ClaimReplacements {
  const { factsOf, notifier, unitOfWork, onReplaced } = options;
  return {
    async replaced(jobId, { changes }) {
      const replaced = changes.filter(
        ({ mode, actions }) => mode === "managed" && actions.includes("delete") && actions.includes("create"),
      );
      const facts = replaced.length > 0 ? await factsOf(jobId) : undefined;
      if (!facts) return [];
      const names = replaced.map(
        ({ address, reasons }) => `${address}${reasons.length > 0 ? ` (${reasons.join(", ")})` : ""}`,
      );
      const { organizationId, templateId, ...labels } = facts;
      const more = names.length > NAMED ? [`and ${names.length - NAMED} more`] : [];
      await unitOfWork.run(() =>
        notifier.notify([
          {
            event: "resourcesReplaced",
            to: { admins: "templates", organizationId },
            labels: { ...labels, resources: [...names.slice(0, NAMED), ...more].join("\n") },
            lines: ["resources"],
            targets: [templateId, organizationId],
            occurrence: jobId,
          },
        ]),
      );
      onReplaced(facts);
      return [...names.slice(0, NAMED), ...more].map(
        (name) => `Claiming this prebuilt workspace replaces a resource: ${name}`,
      );
    },
  };
}
