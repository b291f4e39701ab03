import clsx from "clsx";
import type { ReactNode } from "react";
import type { SourceFile } from "../../api/source.js";
import { Code } from "../code/code.js";
import { Notice } from "../ui/notice.js";
import { Select } from "../ui/select.js";

/** The file that is opened first: main.tf, or another Terraform file. */
function firstOf(files: readonly SourceFile[]): SourceFile | undefined {
  return (
    files.find(({ path }) => path === "main.tf") ?? files.find(({ path }) => path.endsWith(".tf")) ?? files[0]
  );
}

/** Files beside the one that is shown. */
export function SourceView(props: {
  files: readonly SourceFile[];
  path: string | undefined;
  onPath(path: string): void;
  action?: ReactNode;
}) {
  const { files, path, onPath, action } = props;
  const shown = files.find((file) => file.path === path) ?? firstOf(files);
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 lg:grid-cols-[14rem_minmax(0,1fr)]">
      <div className="flex items-center gap-2 lg:hidden">
        <Select
          label="File"
          value={shown?.path}
          options={files.map((file) => ({ value: file.path, label: file.path }))}
          onChange={onPath}
        />
        {action}
      </div>
      <nav aria-label="Files" className="hidden flex-col gap-0.5 lg:flex">
        {files.map((file) => (
          <button
            key={file.path}
            type="button"
            aria-current={file === shown ? "true" : undefined}
            onClick={() => onPath(file.path)}
            title={file.path}
            className={clsx(
              "truncate rounded-md px-2 py-1 text-left font-mono text-sm",
              file === shown ? "bg-hover text-ink" : "text-muted hover:bg-hover/60 hover:text-ink",
            )}
          >
            {file.path}
          </button>
        ))}
        {action && <div className="pt-3">{action}</div>}
      </nav>
      {shown &&
        (shown.text === undefined ? (
          <Notice>This file is binary or too large to show. Download the source to see it.</Notice>
        ) : (
          <Code path={shown.path} source={shown.text} />
        ))}
    </div>
  );
}
