import type { User } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "../../api/client.js";
import { siteRolesQuery, usersKey } from "../../api/users.js";
import { Button } from "../ui/button.js";
import { Checkbox } from "../ui/choice.js";
import { Dialog } from "../ui/dialog.js";
import { ErrorNotice } from "../ui/notice.js";
import { Skeleton } from "../ui/page.js";

/** What each built-in role may do, in a few words. */
const ABOUT: Record<string, string> = {
  owner: "May do everything, to everything.",
  "user-admin": "Adds and removes users and groups.",
  "template-admin": "Manages every template, sees every workspace.",
  auditor: "Reads the audit log.",
};

export function EditRoles({ user, onClose }: { user: User; onClose(): void }) {
  const queries = useQueryClient();
  const roles = useQuery(siteRolesQuery);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(
    () => new Set(user.roles.map(({ name }) => name)),
  );
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();

  async function save() {
    setPending(true);
    setError(undefined);
    try {
      await client.userRolesUpdate({
        params: { user: user.id },
        body: { roles: [...chosen].filter((role) => role !== "member") },
      });
      await queries.invalidateQueries({ queryKey: usersKey });
      onClose();
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <Dialog
      open
      onClose={onClose}
      title={`Roles of ${user.username}`}
      description="In the whole deployment. Everyone is a member: members make and use workspaces of their own."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" pending={pending} onClick={() => void save()}>
            Save roles
          </Button>
        </>
      }
    >
      {roles.isPending && <Skeleton className="h-28 w-full" />}
      {roles.isError && <ErrorNotice error={roles.error} />}
      {roles.data
        ?.filter(({ name }) => name !== "member")
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
        ))}
      {error !== undefined && <ErrorNotice error={error} />}
    </Dialog>
  );
}
