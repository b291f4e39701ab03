import type { User } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "../../api/client.js";
import { siteRolesQuery, usersKey } from "../../api/users.js";
import { Checkbox } from "../ui/choice.js";
import { FormDialog, useForm } from "../ui/form.js";
import { Loaded } from "../ui/loaded.js";
import { Skeleton } from "../ui/page.js";

/** Short description of each built-in role. */
const ABOUT: Record<string, string> = {
  owner: "Full access to the deployment.",
  "user-admin": "Manages users and groups.",
  "template-admin": "Manages all templates and can see all workspaces.",
  auditor: "Can read the audit log.",
};

export function EditRoles({ user, onClose }: { user: User; onClose(): void }) {
  const queries = useQueryClient();
  const roles = useQuery(siteRolesQuery);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(
    () => new Set(user.roles.map(({ name }) => name)),
  );
  const form = useForm({
    async submit() {
      await client.userRolesUpdate({
        params: { user: user.id },
        body: { roles: [...chosen].filter((role) => role !== "member") },
      });
      await queries.invalidateQueries({ queryKey: usersKey });
      onClose();
    },
  });

  return (
    <FormDialog
      form={form}
      onClose={onClose}
      title={`Roles of ${user.username}`}
      description="Roles apply to the whole deployment. Every user is a member and can create workspaces."
      action="Save roles"
      disabled={roles.data === undefined}
    >
      <Loaded query={roles} skeleton={<Skeleton className="h-28 w-full" />}>
        {(all) =>
          all
            .filter(({ name }) => name !== "member")
            .map((role) => (
              <Checkbox
                key={role.name}
                checked={chosen.has(role.name)}
                disabled={!role.assignable}
                onChange={(on) => {
                  const next = new Set(chosen);
                  if (on) next.add(role.name);
                  else next.delete(role.name);
                  setChosen(next);
                }}
              >
                <span className="font-medium">{role.display_name || role.name}</span>
                {ABOUT[role.name] && <span className="block text-muted text-sm">{ABOUT[role.name]}</span>}
              </Checkbox>
            ))
        }
      </Loaded>
    </FormDialog>
  );
}
