import type { Prebuilds } from "../../prebuilds/service.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";

const NOT_MODIFIED = 304;

export function createPrebuildHandlers({ prebuilds }: { prebuilds: Prebuilds }) {
  return {
    prebuildSettings: async ({ actor }) => ({ reconciliation_paused: await prebuilds.paused(actor) }),
    prebuildSettingsUpdate: async ({ actor, body }) => {
      const changed = await prebuilds.setPaused(actor, body.reconciliation_paused);
      return changed ? body : new Reply(undefined, { status: NOT_MODIFIED });
    },
    prebuildsInvalidate: async ({ actor, params }) => ({
      invalidated: (await prebuilds.invalidate(actor, params.template)).map((preset) => ({
        template_name: preset.templateName,
        template_version_name: preset.versionName,
        preset_name: preset.presetName,
      })),
    }),
  } satisfies Partial<Handlers>;
}
