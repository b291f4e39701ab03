import * as z from "zod";

/** The body of every failed request, and of responses that are only a message. */
export const ApiMessage = z.object({
  message: z.string(),
  detail: z.string().optional(),
  validations: z.array(z.object({ field: z.string(), detail: z.string() })).optional(),
});
export type ApiMessage = z.infer<typeof ApiMessage>;

/** A message of a `watch` stream, the same over SSE and WebSocket. */
export function watchEvent<T extends z.ZodType>(data: T) {
  return z.object({ type: z.enum(["data", "ping", "error"]), data: data.optional() });
}
