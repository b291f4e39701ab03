import { Outlet } from "react-router";
import { usePermissions } from "../session/session.js";
import { SectionNav } from "../ui/section-nav.js";
import { type Area, visibleGroups } from "./areas.js";

/** The layout of an area's pages: its links, of which nobody sees one that is not for them, and the page. */
export function AreaLayout({ area }: { area: Area }) {
  const permissions = usePermissions();
  return (
    <SectionNav label={area.label} groups={visibleGroups(area, permissions)}>
      <Outlet />
    </SectionNav>
  );
}
