import { useQuery } from "@tanstack/react-query";
import { Lock } from "lucide-react";
import { Outlet } from "react-router";
import { templatePermissionsQuery } from "../api/templates.js";
import { useTemplate } from "../modules/templates/form.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Empty } from "../modules/ui/page.js";
import { SectionNav } from "../modules/ui/section-nav.js";

/** `/templates/:template/settings` and below. */
export function TemplateSettingsPage() {
  const template = useTemplate();
  const may = useQuery(templatePermissionsQuery(template.id));
  const base = `/templates/${template.name}/settings`;
  return (
    <Loaded query={may}>
      {({ update }) =>
        update ? (
          <SectionNav
            label="Template settings"
            groups={[
              {
                links: [
                  { to: `${base}/general`, label: "General" },
                  { to: `${base}/schedule`, label: "Schedule" },
                  { to: `${base}/permissions`, label: "Permissions" },
                  { to: `${base}/variables`, label: "Variables" },
                ],
              },
            ]}
          >
            <Outlet context={template} />
          </SectionNav>
        ) : (
          <Empty icon={<Lock aria-hidden />} title="You cannot change this template">
            Ask {template.created_by_name} or an administrator for access.
          </Empty>
        )
      }
    </Loaded>
  );
}
