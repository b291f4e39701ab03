import { Prisma } from "../database/gen/client.js";

/** How long workspace `w` of template `t` runs after a start, in milliseconds; null if until somebody stops it. */
export const TTL_MS = Prisma.sql`(CASE WHEN t.allow_user_autostop THEN NULLIF(w.ttl_ms, 0)
  ELSE NULLIF(t.default_ttl_ms, 0) END)::float8`;

/** When autostart of workspace `w` comes next; null if it has no schedule or template `t` does not allow it. */
export const NEXT_START = Prisma.sql`CASE WHEN t.allow_user_autostart THEN w.next_start_at END`;
