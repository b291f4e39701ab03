import type { Template } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, Ellipsis, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Link, Outlet, useNavigate, useParams } from "react-router";
import { client } from "../api/client.js";
import { isFleetError } from "../api/errors.js";
import { templatePermissionsQuery, templateQuery, templatesKey } from "../api/templates.js";
import { IconTile } from "../modules/icons/icon.js";
import { InlineMarkdown } from "../modules/markdown/markdown.js";
import { templateTabs } from "../modules/templates/tabs.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Menu, MenuItem, MenuLine } from "../modules/ui/menu.js";
import { Notice } from "../modules/ui/notice.js";
import { PageHeader, Skeleton, useTitle } from "../modules/ui/page.js";
import { Tabs } from "../modules/ui/section-nav.js";
import { useToasts } from "../modules/ui/toast.js";
import { NotFoundPage } from "./not-found.js";

/** `/templates/:template` and below: the template's name and acts above each of its pages. */
export function TemplatePage() {
  const { template: name = "" } = useParams();
  const template = useQuery(templateQuery(name));
  useTitle(template.data?.display_name || name);
  if (isFleetError(template.error, "not_found")) return <NotFoundPage />;
  return (
    <Loaded query={template} skeleton={<Skeleton className="h-64 w-full rounded-xl" />}>
      {(found) => <LoadedTemplate key={found.id} template={found} />}
    </Loaded>
  );
}

function LoadedTemplate({ template }: { template: Template }) {
  const may = useQuery(templatePermissionsQuery(template.id)).data;
  return (
    <div className="flex flex-col gap-5">
      <PageHeader
        crumbs={[{ to: "/templates", label: "Templates" }]}
        icon={<IconTile url={template.icon} hints={[template.name]} size={42} />}
        title={template.display_name || template.name}
        lead={template.description || (template.display_name && template.name)}
        actions={
          <>
            {!template.deprecated && (
              <Button look="primary" asChild>
                <Link to={`/templates/${template.name}/workspace`}>
                  <Plus aria-hidden />
                  Create workspace
                </Link>
              </Button>
            )}
            {may && (may.update || may.delete) && <Acts template={template} may={may} />}
          </>
        }
      />
      {template.deprecated && (
        <Notice tone="warn" title="This template is deprecated">
          {template.deprecation_message ? (
            <InlineMarkdown text={template.deprecation_message} />
          ) : (
            "Existing workspaces keep working. Use another template for new workspaces."
          )}
        </Notice>
      )}
      <Tabs label="Template" tabs={templateTabs(template, may)} />
      <Outlet context={template} />
    </div>
  );
}

function Acts({ template, may }: { template: Template; may: { update: boolean; delete: boolean } }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const toasts = useToasts();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Menu
        label={`Actions for ${template.name}`}
        trigger={
          <IconButton label="More actions">
            <Ellipsis aria-hidden />
          </IconButton>
        }
      >
        {may.update && (
          <MenuItem to={`/templates/${template.name}/source`} icon={<Download aria-hidden />}>
            View or download source
          </MenuItem>
        )}
        {may.update && may.delete && <MenuLine />}
        {may.delete && (
          <MenuItem icon={<Trash2 aria-hidden />} danger onSelect={() => setAsking(true)}>
            Delete template…
          </MenuItem>
        )}
      </Menu>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        danger
        title={`Delete ${template.name}?`}
        description="Delete its workspaces first. Its versions can no longer be used. This cannot be undone."
        action="Delete template"
        typeToConfirm={template.name}
        onConfirm={async () => {
          await client.templateDelete({ params: { template: template.id } });
          await navigate("/templates");
          queries.removeQueries({ queryKey: ["template", template.name] });
          await queries.invalidateQueries({ queryKey: templatesKey });
          toasts.done(`Template ${template.name} deleted.`);
        }}
      />
    </>
  );
}
