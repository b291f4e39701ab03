import * as z from "zod";

/** The body of every failed request, and of responses that are only a message. */
export const ApiMessage = z.object({
  message: z.string(),
  detail: z.string().optional(),
  validations: z.array(z.object({ field: z.string(), detail: z.string() })).optional(),
});
export type ApiMessage = z.infer<typeof ApiMessage>;

/** The body of a failed request to the OAuth2 endpoints (RFC 6749 §5.2, RFC 7591 §3.2.2). */
export const OAuth2Error = z.object({ error: z.string(), error_description: z.string() });
export type OAuth2Error = z.infer<typeof OAuth2Error>;

/** A message of a `watch` stream, the same over SSE and WebSocket. */
export function watchEvent<T extends z.ZodType>(data: T) {
  return z.object({ type: z.enum(["data", "ping", "error"]), data: data.optional() });
}
