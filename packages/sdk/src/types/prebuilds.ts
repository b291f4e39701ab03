import * as z from "zod";
import { Id } from "../wire.js";

export const PrebuildsSettings = z.object({ reconciliation_paused: z.boolean() });
export type PrebuildsSettings = z.infer<typeof PrebuildsSettings>;

/** The presets whose prebuilds are being replaced. */
export const InvalidatePresetsResponse = z.object({
  invalidated: z.array(
    z.object({ template_name: z.string(), template_version_name: z.string(), preset_name: z.string() }),
  ),
});
export type InvalidatePresetsResponse = z.infer<typeof InvalidatePresetsResponse>;

/** Why a running agent has to start again with its workspace's new owner. */
export const ReinitializationEvent = z.object({
  workspace_id: Id,
  owner_id: Id,
  reason: z.literal("prebuild_claimed"),
});
export type ReinitializationEvent = z.infer<typeof ReinitializationEvent>;
