/** Identifies a request with an Idempotency-Key: a hash of its user and key, and a hash of the request itself. */
export type Idempotency = { key: Uint8Array<ArrayBuffer>; request: Uint8Array<ArrayBuffer> };
