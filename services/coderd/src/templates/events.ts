import type { Notifier } from "../notifications/notifier.js";
import type { TemplateRow, TemplateStore } from "./store.js";

/** Notifies users of changes to the templates of their workspaces. */
export type TemplateEvents = {
  deleted(template: TemplateRow, byId: string): Promise<void>;
  deprecated(template: TemplateRow, byId: string): Promise<void>;
  /** The template's setting decides when its dormant workspaces are deleted. */
  markedForDeletion(template: TemplateRow): Promise<void>;
};

export function createTemplateEvents(
  notifier: Notifier,
  store: Pick<TemplateStore, "dormant">,
): TemplateEvents {
  const nameOf = ({ displayName, name }: TemplateRow) => displayName || name;
  return {
    async deleted(template, byId) {
      const { organizationId } = template;
      await notifier.notify([
        {
          event: "templateDeleted",
          to: { admins: "templates", organizationId, except: byId },
          labels: { name: nameOf(template), initiator: await notifier.username(byId) },
          targets: [template.id, organizationId],
        },
      ]);
    },

    async deprecated(template, byId) {
      await notifier.notify([
        {
          event: "templateDeprecated",
          to: { workspacesOf: template.id, except: byId },
          labels: { name: nameOf(template), message: template.deprecationMessage },
          targets: [template.id, template.organizationId],
        },
      ]);
    },

    async markedForDeletion({ id: templateId }) {
      const workspaces = await store.dormant(templateId);
      await notifier.notify(
        workspaces.map(({ id, name, ownerId, ownerName, deletingAt, unpushed }) => ({
          event: "workspaceMarkedForDeletion",
          to: { users: [ownerId] },
          labels: {
            name,
            owner: ownerName,
            deleting_at: `${deletingAt.toISOString().slice(0, 10)} (UTC)`,
            unpushed,
          },
          targets: [id, templateId],
          occurrence: `${id}:${deletingAt.toISOString()}`,
        })),
      );
    },
  };
}
