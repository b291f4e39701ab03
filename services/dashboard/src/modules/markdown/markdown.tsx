import { marked, type Token, type Tokens } from "marked";
import { Fragment, type ReactNode } from "react";
import { safeHref } from "./safe-href.js";

/** Longer text is shown unformatted, because parsing it would block the page. */
const LIMIT_CHARACTERS = 200_000;

/**
 * Renders untrusted markdown of templates as elements. HTML is shown as text, links may only lead to web pages or mail
 * addresses, and images become links, so that nothing is fetched.
 */
export function Markdown({ text }: { text: string }) {
  if (text.length > LIMIT_CHARACTERS) return <pre className="whitespace-pre-wrap">{text}</pre>;
  const tokens = marked.lexer(withoutFrontmatter(text), { gfm: true });
  return <div className="flex flex-col gap-3 [overflow-wrap:anywhere]">{blocks(tokens)}</div>;
}

/** Inline markdown without blocks, for descriptions. */
export function InlineMarkdown({ text }: { text: string }) {
  return <>{inlines(marked.Lexer.lexInline(text.slice(0, LIMIT_CHARACTERS), { gfm: true }))}</>;
}

function withoutFrontmatter(text: string): string {
  return text.replace(/^\uFEFF?---\r?\n[\s\S]*?\r?\n---\r?\n/, "");
}

/** Headings start below those of the page and section. */
const HEADINGS = ["h3", "h4", "h5", "h6"] as const;
const HEADING_SIZES = ["text-xl pt-1", "text-lg pt-2", "text-base pt-1"];

function blocks(tokens: readonly Token[]): ReactNode[] {
  return tokens.map((token, index) => <Fragment key={index}>{block(token)}</Fragment>);
}

function block(token: Token): ReactNode {
  switch (token.type) {
    case "heading": {
      const Heading = HEADINGS[token.depth - 1] ?? "h6";
      return <Heading className={HEADING_SIZES[token.depth - 1]}>{inlines(token.tokens ?? [])}</Heading>;
    }
    case "paragraph":
      return <p>{inlines(token.tokens ?? [])}</p>;
    case "text":
      return token.tokens ? inlines(token.tokens) : unescaped(token.text);
    case "code":
      return (
        <pre className="overflow-x-auto rounded-lg border border-line bg-sunken px-3 py-2 font-mono text-sm">
          {token.text}
        </pre>
      );
    case "blockquote":
      return (
        <blockquote className="border-line-strong border-l-2 pl-3 text-muted">
          {blocks(token.tokens ?? [])}
        </blockquote>
      );
    case "list":
      return list(token as Tokens.List);
    case "table":
      return table(token as Tokens.Table);
    case "hr":
      return <hr className="border-line" />;
    case "html":
      return /^<!--/.test(token.raw.trim()) ? null : <p>{token.text}</p>;
    default:
      return null;
  }
}

function list(token: Tokens.List): ReactNode {
  const items = token.items.map((item, index) => (
    <li key={index} className={item.task ? "list-none" : "marker:text-faint"}>
      {item.task && (
        <input
          type="checkbox"
          disabled
          aria-label={item.checked ? "Done" : "To do"}
          checked={item.checked ?? false}
          className="mr-2 align-middle"
        />
      )}
      {blocks(item.tokens)}
    </li>
  ));
  const classes = "flex flex-col gap-1 pl-5";
  return token.ordered ? (
    <ol start={Number(token.start) || 1} className={`list-decimal ${classes}`}>
      {items}
    </ol>
  ) : (
    <ul className={`list-disc ${classes}`}>{items}</ul>
  );
}

function table(token: Tokens.Table): ReactNode {
  const cells = (row: Tokens.TableCell[], Cell: "th" | "td") =>
    row.map((cell, index) => (
      <Cell key={index} className="border border-line px-2.5 py-1 text-left align-top">
        {inlines(cell.tokens)}
      </Cell>
    ));
  return (
    <div className="overflow-x-auto">
      <table className="border-collapse text-sm">
        <thead className="bg-sunken">
          <tr>{cells(token.header, "th")}</tr>
        </thead>
        <tbody>
          {token.rows.map((row, index) => (
            <tr key={index}>{cells(row, "td")}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inlines(tokens: readonly Token[]): ReactNode[] {
  return tokens.map((token, index) => <Fragment key={index}>{inline(token)}</Fragment>);
}

function inline(token: Token): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong className="font-semibold">{inlines(token.tokens ?? [])}</strong>;
    case "em":
      return <em>{inlines(token.tokens ?? [])}</em>;
    case "del":
      return <del>{inlines(token.tokens ?? [])}</del>;
    case "codespan":
      return <code className="rounded bg-sunken px-1 py-0.5 font-mono text-[0.92em]">{token.text}</code>;
    case "br":
      return <br />;
    case "link":
      return <SafeLink href={token.href}>{inlines(token.tokens ?? [])}</SafeLink>;
    case "image":
      return <SafeLink href={token.href}>{token.text || "picture"}</SafeLink>;
    case "html":
      return /^<!--/.test(token.raw) ? null : token.raw;
    case "text":
      return token.tokens ? inlines(token.tokens) : unescaped(token.text);
    default:
      return "text" in token ? unescaped(String(token.text)) : null;
  }
}

function SafeLink({ href, children }: { href: string; children: ReactNode }) {
  const safe = safeHref(href);
  if (safe === undefined) return <>{children}</>;
  return (
    <a
      href={safe}
      target="_blank"
      rel="noreferrer noopener"
      className="rounded text-accent underline decoration-accent/40 underline-offset-2 hover:decoration-accent"
    >
      {children}
    </a>
  );
}

const ENTITIES: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
  nbsp: "\u00a0",
};

/** React escapes text, so entities are decoded first. */
function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => ENTITIES[name]!);
}
