import { useQuery } from "@tanstack/react-query";
import {
  BookOpen,
  Bug,
  ExternalLink,
  Keyboard,
  KeyRound,
  LogOut,
  MessageCircle,
  Settings,
  UserCog,
} from "lucide-react";
import { appearanceQuery, buildInfoQuery } from "../../api/session.js";
import { useSignOut, useUser } from "../session/session.js";
import { ThemeMenuItems } from "../theme/theme.js";
import { Avatar } from "../ui/avatar.js";
import { Menu, MenuItem, MenuLine } from "../ui/menu.js";

/** The account, the theme, help, and the way out. */
export function UserMenu({ onShortcuts }: { onShortcuts(): void }) {
  const user = useUser();
  const signOut = useSignOut();
  const buildInfo = useQuery(buildInfoQuery);
  return (
    <Menu
      label="Account"
      trigger={
        <button type="button" aria-label={`Account menu for ${user.username}`} className="rounded-full">
          <Avatar name={user.username} url={user.avatar_url} />
        </button>
      }
    >
      <div className="px-2 pt-1.5 pb-2">
        <p className="font-medium">{user.name || user.username}</p>
        <p className="text-muted text-sm">{user.email}</p>
      </div>
      <MenuLine />
      <MenuItem to="/settings/account" icon={<UserCog aria-hidden />}>
        Account
      </MenuItem>
      <MenuItem to="/settings/tokens" icon={<Settings aria-hidden />}>
        Tokens
      </MenuItem>
      <MenuItem to="/settings/ssh-keys" icon={<KeyRound aria-hidden />}>
        SSH key
      </MenuItem>
      <MenuLine />
      <ThemeMenuItems />
      <MenuLine />
      <SupportMenuItems />
      <MenuItem icon={<Keyboard aria-hidden />} onSelect={onShortcuts}>
        Keyboard shortcuts
      </MenuItem>
      <MenuLine />
      <MenuItem icon={<LogOut aria-hidden />} onSelect={() => void signOut()}>
        Sign out
      </MenuItem>
      {buildInfo.data && <p className="px-2 pt-1.5 pb-1 text-faint text-xs">{buildInfo.data.version}</p>}
    </Menu>
  );
}

/** The operator's documentation and support links. */
function SupportMenuItems() {
  const { docs_url, support_links = [] } = useQuery(appearanceQuery).data ?? {};
  const links = [
    ...(docs_url ? [{ name: "Documentation", target: docs_url, icon: "docs" }] : []),
    ...support_links,
  ];
  return links.map(({ name, target, icon }) => (
    <MenuItem key={`${name} ${target}`} href={target} icon={<LinkIcon name={icon} />}>
      {name}
    </MenuItem>
  ));
}

/** The icons that upstream names. */
function LinkIcon({ name }: { name: string }) {
  if (name === "bug") return <Bug aria-hidden />;
  if (name === "chat") return <MessageCircle aria-hidden />;
  if (name === "docs") return <BookOpen aria-hidden />;
  return <ExternalLink aria-hidden />;
}
