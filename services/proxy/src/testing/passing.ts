import { type FakeClock, waitFor } from "@fleet/testkit";

const STEP_MS = 250;

/** Lets time pass until the work is done. */
export async function passing<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let done = false;
  const end = () => {
    done = true;
  };
  work.then(end, end);
  const probe = async () => {
    await clock.advance(STEP_MS);
    return done;
  };
  await waitFor(probe, { what: "the work to be done" });
  return work;
}
