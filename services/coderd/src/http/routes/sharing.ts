import { FleetError } from "@fleet/base";
import type { WorkspaceSharingSettings } from "@fleet/sdk";
import { toGroup } from "../../convert/organizations.js";
import { toUser } from "../../convert/users.js";
import type { Sharing } from "../../sharing/service.js";
import type { CandidatePage, SharingSettings, WorkspaceSharing } from "../../sharing/workspaces.js";
import type { Templates } from "../../templates/service.js";
import type { UserRow } from "../../users/store.js";
import type { Handlers } from "../handler.js";

const pageOf = ({ q, limit, offset }: { q?: string | undefined } & Omit<CandidatePage, "search">) => ({
  search: q,
  limit,
  offset,
});

const toSharedUser = ({ id, username, name, avatarUrl }: UserRow) => ({
  id,
  username,
  name,
  avatar_url: avatarUrl,
});

const toSettings = ({ owners, globallyDisabled }: SharingSettings): WorkspaceSharingSettings => ({
  sharing_globally_disabled: globallyDisabled,
  sharing_disabled: globallyDisabled || owners === "none",
  shareable_workspace_owners: owners,
});

export function createSharingHandlers({
  sharing,
  workspaceSharing,
  templates,
}: {
  sharing: Sharing;
  workspaceSharing: WorkspaceSharing;
  templates: Templates;
}) {
  return {
    templateAcl: async ({ actor, params }) => {
      const { users, groups } = await sharing.ofTemplate(actor, params.template);
      return {
        users: users.map(({ row, role }) => ({ ...toUser(row), role })),
        group: groups.map(({ row, role }) => ({ ...toGroup(row), role })),
      };
    },
    templateAclUpdate: async ({ actor, params, body }) => {
      await templates.updateAcl(actor, params.template, {
        users: body.user_perms ?? {},
        groups: body.group_perms ?? {},
      });
      return { message: "Successfully updated template ACL list." };
    },
    templateAclAvailable: async ({ actor, params, query }) => {
      const { users, groups } = await sharing.candidates(actor, params.template, pageOf(query));
      return { users: users.map(toUser), groups: groups.map(toGroup) };
    },

    workspaceAcl: async ({ actor, params }) => {
      const { users, groups } = await workspaceSharing.list(actor, params.workspace);
      return {
        users: users.map(({ row, role }) => ({ ...toSharedUser(row), role })),
        group: groups.map(({ row, role }) => ({ ...toGroup(row), role })),
      };
    },
    workspaceAclUpdate: async ({ actor, params, body }) => {
      await workspaceSharing.update(actor, params.workspace, {
        users: body.user_roles ?? {},
        groups: body.group_roles ?? {},
      });
      return undefined;
    },
    workspaceAclDelete: async ({ actor, params }) => {
      await workspaceSharing.clear(actor, params.workspace);
      return undefined;
    },
    workspaceAclAvailable: async ({ actor, params, query }) => {
      const { users, groups } = await workspaceSharing.candidates(actor, params.workspace, pageOf(query));
      return { users: users.map(toSharedUser), groups: groups.map(toGroup) };
    },
    workspaceSharingSettings: async ({ actor, params }) =>
      toSettings(await workspaceSharing.settings(actor, params.organization)),
    workspaceSharingSettingsUpdate: async ({ actor, params, body }) => {
      const { sharing_disabled: disabled, shareable_workspace_owners: owners } = body;
      const wanted = owners ?? (disabled === undefined ? undefined : disabled ? "none" : "everyone");
      if (!wanted) {
        throw new FleetError("invalid_argument", "Set shareable_workspace_owners.", {
          validations: [
            { field: "shareable_workspace_owners", detail: "Use everyone, service_accounts or none." },
          ],
        });
      }
      return toSettings(await workspaceSharing.setSettings(actor, params.organization, wanted));
    },
  } satisfies Partial<Handlers>;
}
