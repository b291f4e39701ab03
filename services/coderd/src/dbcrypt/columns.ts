/**
 * The registry of encrypted columns: `Dbcrypt` seals values of these places only, and each of them is re-encrypted after a
 * rotation, checked at startup, and covered by `coder server dbcrypt`. A column is `bytea`. `lost` says what goes if the value is deleted because its key
 * is lost: the row, which is of no use without it, or only the value.
 */
export const ENCRYPTED = [
  // Large: a column of its own names the key, so that looking for other keys reads no values.
  {
    table: "workspace_build_states",
    column: "state",
    place: "workspace_build_states.state",
    keyColumn: "key_id",
    lost: "row",
  },
  // A replaced state moves there as it is stored.
  {
    table: "workspace_build_state_versions",
    column: "state",
    place: "workspace_build_states.state",
    keyColumn: "key_id",
    lost: "row",
  },
  { table: "external_auth_links", column: "token", place: "external_auth_links.token", lost: "row" },
  { table: "user_links", column: "access_token", place: "user_links.access_token", lost: "value" },
  { table: "user_links", column: "refresh_token", place: "user_links.refresh_token", lost: "value" },
  { table: "user_links", column: "id_token", place: "user_links.id_token", lost: "value" },
  { table: "user_secrets", column: "value", place: "user_secrets.value", lost: "row" },
  { table: "webhooks", column: "secret", place: "webhooks.secret", lost: "row" },
  { table: "deliveries", column: "payload", place: "deliveries.payload", lost: "row" },
  { table: "policy_plans", column: "content", place: "policy_plans.content", lost: "row" },
] as const satisfies readonly {
  table: string;
  column: string;
  place: string;
  lost: "row" | "value";
  keyColumn?: string;
}[];

export type EncryptedColumn = (typeof ENCRYPTED)[number];

/** What an encrypted value is bound to: it cannot be read as a value of another place. */
export type Place = EncryptedColumn["place"];
