import { create } from "@bufbuild/protobuf";
import { type Clock, errorMessage, FleetError, isFleetError, type Logger } from "@fleet/base";
import type { Evaluate, Evaluated } from "@fleet/proto-gen/provisioner";
import { EvaluatedParametersSchema, MetadataSchema } from "@fleet/proto-gen/provisioner";
import type { Provisioner } from "@fleet/provisionersdk";
import { createArchiveTransfer } from "./archives.js";
import type { CoderdClient } from "./coderd-client.js";
import type { FileCache } from "./files.js";

/** Evaluations that coderd asks this daemon for. */
export type Evaluations = {
  /** How many can run at the same time; 0 if no provisioner of this daemon evaluates. */
  readonly slots: number;
  /** Evaluates, and calls `answer` once, unless it is canceled before. */
  start(request: Evaluate, answer: (outcome: Evaluated["outcome"]) => void): void;
  /** Kills what the evaluation started. */
  cancel(id: string): void;
  cancelAll(): void;
};

export type EvaluationsOptions = {
  client: CoderdClient;
  provisioners: ReadonlyMap<string, Provisioner>;
  files: FileCache;
  daemonId: string;
  slots: number;
  /** Aborts when the daemon ends. */
  closing: AbortSignal;
  clock: Clock;
  logger: Logger;
};

export function createEvaluations(options: EvaluationsOptions): Evaluations {
  const { client, provisioners, files, daemonId, closing, clock, logger } = options;
  const able = [...provisioners.values()].some(({ evaluate }) => evaluate);
  const slots = able ? options.slots : 0;
  const running = new Map<string, AbortController>();

  async function evaluate(request: Evaluate, signal: AbortSignal): Promise<Evaluated["outcome"]> {
    const { source, installation } = request;
    const provisioner = provisioners.get(request.provisioner);
    if (!provisioner?.evaluate || !source)
      throw new FleetError(
        "failed_precondition",
        `This provisioner cannot evaluate "${request.provisioner}" templates.`,
      );
    // What is downloaded serves the next evaluations as well, so it is not canceled with the first.
    const transfer = createArchiveTransfer({ client, jobId: "", daemonId, signal: closing, clock });
    const value = await provisioner.evaluate({
      source: { ...source, read: () => files.read(source, closing) },
      metadata: request.metadata ?? create(MetadataSchema),
      parameters: request.richParameterValues,
      variables: request.variableValues,
      installation,
      archives: transfer,
      signal,
    });
    return { case: "parameters", value: create(EvaluatedParametersSchema, value) };
  }

  return {
    slots,
    start(request, answer) {
      if (running.size >= slots) {
        answer({ case: "error", value: "The provisioner is busy. Try again." });
        return;
      }
      const controller = new AbortController();
      running.set(request.id, controller);
      const deadline = clock.after(Number(request.timeoutMs), () => controller.abort());
      evaluate(request, AbortSignal.any([controller.signal, closing]))
        .catch((error): Evaluated["outcome"] => {
          if (controller.signal.aborted) return { case: "error", value: "The evaluation took too long." };
          logger.warn("Could not evaluate parameters.", { error: errorMessage(error) });
          const message = isFleetError(error)
            ? error.message
            : "The provisioner failed unexpectedly. See its log.";
          return { case: "error", value: message };
        })
        .then(answer)
        .finally(() => {
          deadline.cancel();
          running.delete(request.id);
        })
        .catch((error) => logger.error("Could not report an evaluation.", { error: errorMessage(error) }));
    },
    cancel: (id) => running.get(id)?.abort(),
    cancelAll() {
      for (const controller of running.values()) controller.abort();
    },
  };
}
