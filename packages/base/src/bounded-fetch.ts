/** Limits of a response that an outside service sends. */
export type ResponseLimits = {
  /** How long it may take, with its body. Milliseconds. */
  timeoutMs: number;
  maxBytes: number;
};

export type BoundedResponse = {
  status: number;
  statusText: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
};

/**
 * fetch for a service that is not trusted to be quick or brief. Redirects are not followed: they would carry a token to
 * another host. Rejects with fetch's error, a TimeoutError, or an Error about the size.
 */
export async function boundedFetch(
  url: string,
  init: Omit<RequestInit, "redirect" | "signal">,
  { timeoutMs, maxBytes }: ResponseLimits,
): Promise<BoundedResponse> {
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, { ...init, redirect: "manual", signal });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the rest.
    if (size > maxBytes) throw new Error(`The response is larger than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  const { status, statusText, headers } = response;
  return { status, statusText, headers, body: new Uint8Array(Buffer.concat(chunks)) };
}
