import type { User } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import {
  Ban,
  Box,
  CircleCheck,
  Ellipsis,
  KeyRound,
  LockKeyhole,
  ScrollText,
  ShieldCheck,
  Trash2,
} from "lucide-react";
import { useState } from "react";
import { client } from "../../api/client.js";
import { usersKey } from "../../api/users.js";
import { usePermissions, useUser } from "../session/session.js";
import { IconButton } from "../ui/button.js";
import { Confirm } from "../ui/confirm.js";
import { Menu, MenuItem, MenuLine } from "../ui/menu.js";
import { useAct } from "../ui/toast.js";
import { CreateToken } from "./create-token.js";
import { EditRoles } from "./edit-roles.js";
import { ResetPassword } from "./reset-password.js";

type Asked = "roles" | "password" | "token" | "suspend" | "delete";

/** What an administrator may do with a user; acts that are not possible are left out. */
export function UserActions({ user }: { user: User }) {
  const me = useUser();
  const permissions = usePermissions();
  const queries = useQueryClient();
  const act = useAct();
  const [asked, setAsked] = useState<Asked>();
  const { username, status, login_type } = user;
  const params = { user: user.id };
  const close = () => setAsked(undefined);
  const refresh = () => queries.invalidateQueries({ queryKey: usersKey });
  const other = user.id !== me.id;
  return (
    <>
      <Menu
        label={`Actions for ${username}`}
        trigger={
          <IconButton label={`More actions for ${username}`}>
            <Ellipsis aria-hidden />
          </IconButton>
        }
      >
        <MenuItem
          icon={<Box aria-hidden />}
          to={`/workspaces?filter=${encodeURIComponent(`owner:${username}`)}`}
        >
          View workspaces
        </MenuItem>
        {permissions.readAudit && (
          <MenuItem
            icon={<ScrollText aria-hidden />}
            to={`/audit?q=${encodeURIComponent(`username:${username}`)}`}
          >
            View activity
          </MenuItem>
        )}
        <MenuLine />
        {permissions.assignRoles && (
          <MenuItem icon={<ShieldCheck aria-hidden />} onSelect={() => setAsked("roles")}>
            Edit roles…
          </MenuItem>
        )}
        {permissions.updateUsers && other && login_type === "password" && (
          <MenuItem icon={<LockKeyhole aria-hidden />} onSelect={() => setAsked("password")}>
            Reset password…
          </MenuItem>
        )}
        {user.is_service_account && permissions.createKeysForOthers && (
          <MenuItem icon={<KeyRound aria-hidden />} onSelect={() => setAsked("token")}>
            Create token…
          </MenuItem>
        )}
        {permissions.updateUsers && other && (
          <>
            {status === "active" ? (
              <MenuItem icon={<Ban aria-hidden />} onSelect={() => setAsked("suspend")}>
                Suspend…
              </MenuItem>
            ) : (
              <MenuItem
                icon={<CircleCheck aria-hidden />}
                onSelect={() =>
                  act(() => client.userActivate({ params }).then(refresh), `User ${username} activated.`)
                }
              >
                Activate
              </MenuItem>
            )}
            <MenuLine />
            <MenuItem icon={<Trash2 aria-hidden />} danger onSelect={() => setAsked("delete")}>
              Delete…
            </MenuItem>
          </>
        )}
      </Menu>
      {asked === "roles" && <EditRoles user={user} onClose={close} />}
      {asked === "password" && <ResetPassword user={user} onClose={close} />}
      {asked === "token" && <CreateToken user={user.id} of={username} onClose={close} />}
      <Confirm
        open={asked === "suspend"}
        onClose={close}
        danger
        title={`Suspend ${username}?`}
        description="The user is signed out and cannot sign in until you activate them. Their workspaces are not changed."
        action="Suspend user"
        onConfirm={() => client.userSuspend({ params }).then(refresh)}
      />
      <Confirm
        open={asked === "delete"}
        onClose={close}
        danger
        title={`Delete ${username}?`}
        description="Delete the user's workspaces first. This cannot be undone."
        action="Delete user"
        typeToConfirm={username}
        onConfirm={() => client.userDelete({ params }).then(refresh)}
      />
    </>
  );
}
