import { useQuery } from "@tanstack/react-query";
import { Download, FileCode } from "lucide-react";
import { useSearchParams } from "react-router";
import { sourceQuery } from "../api/source.js";
import { versionQuery } from "../api/templates.js";
import { useTemplate } from "../modules/templates/form.js";
import { SourceView } from "../modules/templates/source-view.js";
import { Button } from "../modules/ui/button.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Empty, useTitle } from "../modules/ui/page.js";

/** `/templates/:template/source?file=`: the files of the active version. */
export function TemplateSourcePage() {
  const template = useTemplate();
  useTitle(`${template.display_name || template.name} source`);
  const active = useQuery(versionQuery(template.active_version_id));
  return (
    <Loaded query={active}>
      {(version) => <Files file={version.job.file_id} name={`${template.name}-${version.name}`} />}
    </Loaded>
  );
}

function Files({ file, name }: { file: string; name: string }) {
  const files = useQuery(sourceQuery(file));
  const [search, setSearch] = useSearchParams();
  return (
    <Loaded query={files}>
      {(list) =>
        list.length === 0 ? (
          <Empty icon={<FileCode aria-hidden />} title="No files" />
        ) : (
          <SourceView
            files={list}
            path={search.get("file") ?? undefined}
            onPath={(path) => setSearch({ file: path }, { replace: true })}
            action={
              <Button size="sm" asChild>
                <a href={`/api/v2/files/${file}?format=zip`} download={`${name}.zip`}>
                  <Download aria-hidden />
                  Download
                </a>
              </Button>
            }
          />
        )
      }
    </Loaded>
  );
}
