import { type Evaluation, type EvaluationAsk, keyOfAsk } from "./evaluation.js";
import type { Evaluations } from "./service.js";

/** An evaluation that is at hand. Throws EvaluationNeeded if it is not. */
export type Evaluated = (ask: EvaluationAsk) => Evaluation;

/** Not a domain error: nobody may answer it but `withEvaluations`. */
export class EvaluationNeeded extends Error {
  override readonly name = "EvaluationNeeded";
  readonly ask: EvaluationAsk;

  constructor(ask: EvaluationAsk) {
    super("An evaluation is needed.");
    this.ask = ask;
  }
}

/** Values that keep changing what is asked are not chased further. */
const MAX_ROUNDS = 12;

/**
 * Runs the work, and again after each evaluation that it needs: work in a transaction must not wait for one, so it is
 * rolled back meanwhile. It must have no effect outside of the database.
 */
export async function withEvaluations<T>(
  evaluations: Evaluations,
  work: (evaluated: Evaluated) => Promise<T>,
): Promise<T> {
  const held = new Map<string, Evaluation>();
  const evaluated: Evaluated = (ask) => {
    const found = held.get(keyOfAsk(ask));
    if (!found) throw new EvaluationNeeded(ask);
    return found;
  };
  for (let round = 0; ; round++) {
    try {
      return await work(evaluated);
    } catch (error) {
      if (!(error instanceof EvaluationNeeded) || round >= MAX_ROUNDS) throw error;
      held.set(keyOfAsk(error.ask), await evaluations.evaluate(error.ask));
    }
  }
}
