import clsx from "clsx";
import { useMemo } from "react";
import { highlightHcl, type Token, type TokenKind } from "./hcl.js";

const KINDS: Record<TokenKind, string> = {
  comment: "text-faint italic",
  string: "text-ok",
  number: "text-busy",
  keyword: "text-busy",
  block: "font-medium text-accent",
  name: "text-ink",
  plain: "text-muted",
};

const isHcl = (path: string) => /\.(?:tf|tfvars|hcl|tofu)(?:\.tmpl)?$/.test(path);

/** Lines of a file with their tokens; one plain token a line for files that are not HCL. */
export function highlight(path: string, source: string): Token[][] {
  if (isHcl(path)) return highlightHcl(source);
  return source.split("\n").map((text) => [{ kind: "name", text }]);
}

export function Tokens({ tokens }: { tokens: readonly Token[] }) {
  return tokens.map(({ kind, text }, index) => (
    <span key={index} className={KINDS[kind]}>
      {text}
    </span>
  ));
}

/** A file's text with line numbers. */
export function Code({ path, source }: { path: string; source: string }) {
  const lines = useMemo(() => highlight(path, source.replace(/\n$/, "")), [path, source]);
  return (
    <section
      aria-label={path}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
      tabIndex={0}
      className="overflow-x-auto rounded-lg border border-line bg-sunken"
    >
      <pre className="w-max min-w-full py-2 font-mono text-sm leading-5">
        {lines.map((tokens, index) => (
          <div key={index} className="flex px-3">
            <LineNumber number={index + 1} />
            <code className="whitespace-pre">
              <Tokens tokens={tokens} />
            </code>
          </div>
        ))}
      </pre>
    </section>
  );
}

export function LineNumber({ number, className }: { number: number | undefined; className?: string }) {
  return (
    <span
      aria-hidden
      className={clsx("mr-4 inline-block w-8 shrink-0 select-none text-right text-faint", className)}
    >
      {number}
    </span>
  );
}
