import type { Logger, Verdict } from "@fleet/base";
import { toTold } from "../outage.js";

/**
 * Checks whether a grant still holds, by authorizing it again. Throws the error that a new request would get.
 * @returns when the grant expires unless it is extended.
 */
export type Question = () => Promise<{ expiresAt?: Date | undefined }>;

/** Maximum concurrent checks, so that many streams do not starve requests of database connections. */
const QUESTIONS_AT_ONCE = 4;

/** Runs all checks, a few at a time. One that fails because a server is down has no verdict. */
export async function answerAll(questions: readonly Question[], logger: Logger): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  let next = 0;
  async function work(): Promise<void> {
    for (let index = next++; index < questions.length; index = next++)
      verdicts[index] = await answer(questions[index]!, logger);
  }
  await Promise.all(Array.from({ length: QUESTIONS_AT_ONCE }, work));
  return verdicts;
}

async function answer(question: Question, logger: Logger): Promise<Verdict> {
  try {
    const { expiresAt } = await question();
    return { holds: true, expiresAtMs: expiresAt?.getTime() };
  } catch (error) {
    const reason = toTold(error);
    const { code, cause } = reason;
    if (code === "unavailable" || code === "deadline_exceeded" || code === "resource_exhausted")
      return undefined;
    if (code === "internal")
      logger.error("could not check access; closing the connection", { error: cause ?? reason });
    return { holds: false, reason };
  }
}
