const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether Postgres accepts the text as a hyphenated UUID; of any version, including the nil UUID. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
