import { FleetError } from "./errors.js";

/** The reason of an aborted signal as an error: itself if it is one, else a `canceled` FleetError. */
export function abortError(signal: AbortSignal): Error {
  const { reason } = signal;
  if (reason instanceof Error && reason.name !== "AbortError") return reason;
  return new FleetError("canceled", "The operation was canceled.", { cause: reason });
}

/** Settles as `promise` does, but rejects if the signal aborts first; the promise's own outcome is then ignored. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => {});
      return reject(abortError(signal));
    }
    const onAbort = () => reject(abortError(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
