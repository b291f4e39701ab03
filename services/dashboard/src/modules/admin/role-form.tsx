import type { AssignableRole } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { organizationRolesQuery } from "../../api/admin.js";
import { client } from "../../api/client.js";
import { NAME_PATTERN, NAME_RULE } from "../format/names.js";
import { Checkbox } from "../ui/choice.js";
import { Field, Input } from "../ui/field.js";
import { FormDialog, useForm } from "../ui/form.js";

/** What a custom role can grant on objects of its organization, in the order of the list. */
const GRANTS: Record<string, readonly string[]> = {
  workspace: ["read", "create", "update", "delete", "start", "stop", "ssh", "application_connect", "share"],
  template: ["read", "use", "create", "update", "delete", "view_insights"],
  group: ["read", "create", "update", "delete"],
  organization_member: ["read", "create", "update", "delete"],
  provisioner_daemon: ["read", "create", "update", "delete"],
  provisioner_jobs: ["read", "create", "update"],
  policy: ["read", "create", "update", "delete"],
  audit_log: ["read"],
  connection_log: ["read"],
  idpsync_settings: ["read", "update"],
};

type Permission = AssignableRole["organization_permissions"][number];
const keyOf = (type: string, action: string) => `${type}:${action}`;
const isShown = ({ resource_type, action, negate }: Permission) =>
  !negate && (GRANTS[resource_type]?.includes(action) ?? false);

/**
 * Creates a custom role, or changes one. Permissions that have no box here (denials, those on the holder's own objects) are
 * kept as they are.
 */
export function RoleForm(props: {
  organization: string;
  role: AssignableRole | undefined;
  known: readonly AssignableRole[];
  onClose(): void;
}) {
  const { organization, role, known, onClose } = props;
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(
    () =>
      new Set(
        (role?.organization_permissions ?? [])
          .filter(isShown)
          .map(({ resource_type, action }) => keyOf(resource_type, action)),
      ),
  );
  const form = useForm({
    check: (values) => ({
      name:
        !role && known.some(({ name }) => name === values("name"))
          ? "A role with this name already exists."
          : undefined,
    }),
    async submit(values) {
      const kept = (role?.organization_permissions ?? []).filter((one) => !isShown(one));
      const given = [...chosen].map((key) => {
        const [resource_type = "", action = ""] = key.split(":");
        return { resource_type, action, negate: false };
      });
      const body = {
        name: role?.name ?? values("name"),
        display_name: values("display_name"),
        organization_permissions: [...kept, ...given],
        organization_member_permissions: role?.organization_member_permissions ?? [],
        site_permissions: [],
        user_permissions: [],
      };
      const params = { organization };
      if (role) await client.organizationRoleUpdate({ params, body });
      else await client.organizationRoleCreate({ params, body });
      await queries.invalidateQueries({ queryKey: organizationRolesQuery(organization).queryKey });
      onClose();
    },
  });
  return (
    <FormDialog
      form={form}
      wide
      onClose={onClose}
      title={role ? `Edit ${role.display_name || role.name}` : "Create role"}
      description="You can only grant what you may do yourself."
      action={role ? "Save role" : "Create role"}
    >
      {!role && (
        <Field name="name" label="Name">
          <Input
            required
            autoFocus
            maxLength={64}
            pattern={NAME_PATTERN}
            title={NAME_RULE}
            autoComplete="off"
            spellCheck={false}
          />
        </Field>
      )}
      <Field name="display_name" label="Display name" optional>
        <Input defaultValue={role?.display_name} maxLength={64} autoComplete="off" />
      </Field>
      {Object.entries(GRANTS).map(([type, actions]) => (
        <fieldset key={type} className="flex flex-col gap-1.5 border-line border-t pt-3">
          <legend className="float-left pb-1.5 font-medium text-sm">
            {type.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase())}
          </legend>
          <div className="clear-both grid grid-cols-2 gap-1.5 sm:grid-cols-4">
            {actions.map((action) => {
              const key = keyOf(type, action);
              return (
                <Checkbox
                  key={key}
                  checked={chosen.has(key)}
                  onChange={(on) => {
                    const next = new Set(chosen);
                    if (on) next.add(key);
                    else next.delete(key);
                    setChosen(next);
                  }}
                >
                  {action.replaceAll("_", " ")}
                </Checkbox>
              );
            })}
          </div>
        </fieldset>
      ))}
    </FormDialog>
  );
}
