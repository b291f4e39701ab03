import type { Logger, Verdict } from "@fleet/base";
import { toTold } from "../outage.js";

/**
 * Whether a grant still holds: asked as if what it opened were opened now. Throws what a request would be told.
 * @returns when the grant ends unless it is extended.
 */
export type Question = () => Promise<{ expiresAt?: Date | undefined }>;

/** Questions at once, so that many streams do not take the database's connections from requests. */
const QUESTIONS_AT_ONCE = 4;

/** Asks all of them, a few at a time. One that nobody could answer, since a server is away, is left without a verdict. */
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
