import type { Template, TemplateVersion } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type SourceFile, sourceQuery } from "../../api/source.js";
import { previousVersionQuery, versionQuery } from "../../api/templates.js";
import { type ChangedFile, FileDiff } from "../code/diff.js";
import { Loaded } from "../ui/loaded.js";
import { Select } from "../ui/select.js";
import { SourceView } from "./source-view.js";

/** Files that differ. One that cannot be shown differs if its size does. */
export function changedFiles(before: readonly SourceFile[], after: readonly SourceFile[]): ChangedFile[] {
  const old = new Map(before.map((file) => [file.path, file]));
  const next = new Map(after.map((file) => [file.path, file]));
  const contentOf = (file: SourceFile | undefined) =>
    file && (file.text ?? `Binary or large file of ${file.bytes} bytes\n`);
  return [...new Set([...old.keys(), ...next.keys()])]
    .sort()
    .map((path) => ({ path, before: contentOf(old.get(path)), after: contentOf(next.get(path)) }))
    .filter((file) => file.before !== file.after);
}

/** A version's files: what changed since the version before or against the active one, or all of them. */
export function VersionChanges(props: {
  template: Template;
  version: TemplateVersion;
  toActive: boolean;
  onCompare(toActive: boolean): void;
}) {
  const { template, version, toActive, onCompare } = props;
  const [whole, setWhole] = useState(false);
  const previous = useQuery(previousVersionQuery(template, version.name));
  const active = useQuery(versionQuery(template.active_version_id));
  const isActive = version.id === template.active_version_id;
  const base = toActive && !isActive ? active.data : previous.data;
  const options = [
    ...(previous.data ? [{ value: "previous", label: `Since ${previous.data.name}` }] : []),
    ...(isActive || !active.data
      ? []
      : [{ value: "active", label: `Against the active version, ${active.data.name}` }]),
    { value: "whole", label: "All files" },
  ];
  const showsWhole = whole || !base;
  if (previous.isPending || active.isPending) return null;
  return (
    <section className="flex flex-col gap-3">
      <header className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="text-base">Files</h2>
        {options.length > 1 && (
          <Select
            label="Show"
            className="w-72!"
            value={showsWhole ? "whole" : toActive && !isActive ? "active" : "previous"}
            options={options}
            onChange={(value) => {
              setWhole(value === "whole");
              if (value !== "whole") onCompare(value === "active");
            }}
          />
        )}
      </header>
      {showsWhole ? (
        <Whole file={version.job.file_id} />
      ) : (
        <Changes before={base.job.file_id} after={version.job.file_id} />
      )}
    </section>
  );
}

function Whole({ file }: { file: string }) {
  const files = useQuery(sourceQuery(file));
  const [path, setPath] = useState<string>();
  return <Loaded query={files}>{(list) => <SourceView files={list} path={path} onPath={setPath} />}</Loaded>;
}

function Changes({ before, after }: { before: string; after: string }) {
  const old = useQuery(sourceQuery(before));
  const next = useQuery(sourceQuery(after));
  return (
    <Loaded query={old}>
      {(one) => (
        <Loaded query={next}>
          {(other) => {
            const changed = changedFiles(one, other);
            return changed.length === 0 ? (
              <p className="text-muted">The files are the same; only variables or metadata may differ.</p>
            ) : (
              <div className="flex flex-col gap-3">
                {changed.map((file) => (
                  <FileDiff key={file.path} file={file} />
                ))}
              </div>
            );
          }}
        </Loaded>
      )}
    </Loaded>
  );
}
