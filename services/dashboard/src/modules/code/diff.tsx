import clsx from "clsx";
import { structuredPatch } from "diff";
import { useMemo } from "react";
import { highlight, LineNumber, Tokens } from "./code.js";

export type ChangedFile = { path: string; before: string | undefined; after: string | undefined };

const CONTEXT_LINES = 4;
/** Comparing takes at most this long a file; then it counts as rewritten. */
const TIMEOUT_MS = 2_000;

type Line = { sign: " " | "+" | "-"; text: string; before?: number; after?: number };
type Hunk = { key: string; lines: Line[] };

/** The changed parts of a file with the lines around them. */
export function hunksOf(before: string, after: string): Hunk[] {
  const patch = structuredPatch("", "", before, after, "", "", {
    context: CONTEXT_LINES,
    timeout: TIMEOUT_MS,
  });
  if (!patch) return [];
  return patch.hunks.map(({ oldStart, newStart, lines }) => {
    let [old, next] = [oldStart, newStart];
    return {
      key: `${oldStart}-${newStart}`,
      lines: lines
        .filter((line) => !line.startsWith("\\"))
        .map((line) => {
          const sign = line[0] as Line["sign"];
          return {
            sign,
            text: line.slice(1),
            ...(sign === "+" ? {} : { before: old++ }),
            ...(sign === "-" ? {} : { after: next++ }),
          };
        }),
    };
  });
}

const LOOKS = { " ": "", "+": "bg-ok-soft", "-": "bg-bad-soft" };

/** What changed in a file, as a unified diff. */
export function FileDiff({ file }: { file: ChangedFile }) {
  const { path, before = "", after = "" } = file;
  const hunks = useMemo(() => hunksOf(before, after), [before, after]);
  const count = (sign: string) =>
    hunks.reduce((sum, { lines }) => sum + lines.filter((line) => line.sign === sign).length, 0);
  return (
    <section aria-label={path} className="overflow-hidden rounded-lg border border-line">
      <h3 className="flex items-center gap-3 border-line border-b px-3 py-2 font-medium font-mono text-sm">
        <span className="min-w-0 flex-1 truncate">{path}</span>
        <span className="text-ok tabular-nums">+{count("+")}</span>
        <span className="text-bad tabular-nums">−{count("-")}</span>
      </h3>
      <section
        aria-label={`Changes of ${path}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
        tabIndex={0}
        className="overflow-x-auto bg-sunken"
      >
        <pre className="w-max min-w-full py-1 font-mono text-sm leading-5">
          {hunks.map(({ key, lines }, index) => (
            <div key={key} className={clsx(index > 0 && "mt-1 border-line border-t pt-1")}>
              {lines.map((line) => (
                <div key={`${line.before} ${line.after}`} className={clsx("flex px-3", LOOKS[line.sign])}>
                  <LineNumber number={line.before} className="mr-1!" />
                  <LineNumber number={line.after} className="mr-2!" />
                  <code className="whitespace-pre">
                    <span className="select-none text-faint">{line.sign} </span>
                    <Tokens tokens={highlight(path, line.text)[0] ?? []} />
                  </code>
                </div>
              ))}
            </div>
          ))}
        </pre>
      </section>
    </section>
  );
}
