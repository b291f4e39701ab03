/** What a request that carried an Idempotency-Key is known by: who sent it with which key, and what it asked for. */
export type Idempotency = { key: Uint8Array<ArrayBuffer>; request: Uint8Array<ArrayBuffer> };
