import clsx from "clsx";
import { type ReactNode, useEffect } from "react";
import { Link } from "react-router";
import type { StateName } from "./state.js";

/** Sets the title of the browser tab, and the state that its icon shows. */
export function useTitle(title: string, state?: StateName): void {
  useEffect(() => {
    document.title = `${title} · Fleet`;
  }, [title]);
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (!icon || !state) return;
    icon.href = `/state/${state}.svg`;
    return () => {
      icon.href = "/favicon.svg";
    };
  }, [state]);
}

/**
 * The column of a page: its header and what is below it. Reading width (1,440 px) by default; `fluid` for lists, which take the
 * whole window; `narrow` for forms.
 */
export function Page(props: { width?: "fluid" | "narrow"; children: ReactNode }) {
  return (
    <div
      data-fluid={props.width === "fluid" || undefined}
      className={clsx("flex flex-col gap-5", props.width === "narrow" && "max-w-3xl")}
    >
      {props.children}
    </div>
  );
}

export type Crumb = { to: string; label: string };

/** A page's title, below the way to it (`crumbs`, without the page itself), with its acts beside it. */
export function PageHeader(props: {
  title: ReactNode;
  crumbs?: readonly Crumb[];
  lead?: ReactNode;
  icon?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <div className="flex flex-col gap-2">
      {props.crumbs && props.crumbs.length > 0 && <Crumbs crumbs={props.crumbs} />}
      <header className="flex flex-wrap items-center gap-x-4 gap-y-3">
        {props.icon}
        <div className="min-w-0 flex-1 basis-36">
          <h1 className="truncate text-xl">{props.title}</h1>
          {props.lead && <div className="text-muted">{props.lead}</div>}
        </div>
        {props.actions && <div className="flex flex-wrap items-center gap-2">{props.actions}</div>}
      </header>
    </div>
  );
}

function Crumbs({ crumbs }: { crumbs: readonly Crumb[] }) {
  return (
    <nav aria-label="Breadcrumbs" className="-mt-1 text-muted text-sm">
      <ol className="flex flex-wrap items-center gap-1.5">
        {crumbs.map(({ to, label }) => (
          <li key={to} className="flex items-center gap-1.5">
            <Link to={to} className="rounded hover:text-ink">
              {label}
            </Link>
            <span aria-hidden className="text-faint">
              /
            </span>
          </li>
        ))}
      </ol>
    </nav>
  );
}

export function Card(props: { children: ReactNode; className?: string }) {
  return (
    <section className={clsx("rounded-xl border border-line bg-surface shadow-card", props.className)}>
      {props.children}
    </section>
  );
}

/** A card with a heading and an optional action. */
export function Section(props: {
  title: ReactNode;
  lead?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
  flush?: boolean;
}) {
  return (
    <Card>
      <header className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-4 pt-3 pb-2.5 sm:px-5">
        <div className="min-w-0">
          <h2 className="text-base">{props.title}</h2>
          {props.lead && <div className="text-muted text-sm">{props.lead}</div>}
        </div>
        {props.action}
      </header>
      <div className={props.flush ? "" : "px-4 pb-4 sm:px-5"}>{props.children}</div>
    </Card>
  );
}

/** Empty state of a list: what belongs here and how to create the first one. */
export function Empty(props: { icon?: ReactNode; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-1 px-6 py-14 text-center">
      {props.icon && (
        <div className="mb-2 flex size-10 items-center justify-center rounded-xl border border-line bg-sunken text-faint [&_svg]:size-5">
          {props.icon}
        </div>
      )}
      <h2 className="text-base">{props.title}</h2>
      {props.children && <div className="max-w-md text-muted">{props.children}</div>}
      {props.action && <div className="mt-3 flex flex-wrap justify-center gap-2">{props.action}</div>}
    </div>
  );
}

export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={clsx("animate-breathe rounded-md bg-line", className)} />;
}

/** Skeleton rows of a loading list. */
export function SkeletonRows({ rows = 4 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="divide-y divide-line">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex items-center gap-3 px-5 py-3.5">
          <Skeleton className="size-8 rounded-lg" />
          <div className="flex flex-1 flex-col gap-1.5">
            <Skeleton className="h-3.5 w-40" />
            <Skeleton className="h-3 w-24" />
          </div>
          <Skeleton className="h-6 w-20" />
        </div>
      ))}
    </div>
  );
}

/** A short label in a box: a role, a tag, a version's state. */
export function Badge(props: { tone?: "plain" | "accent" | "ok" | "warn" | "bad"; children: ReactNode }) {
  const tones = {
    plain: "bg-sunken text-muted border-line",
    accent: "bg-accent-soft text-accent border-transparent",
    ok: "bg-ok-soft text-ok border-transparent",
    warn: "bg-warn-soft text-warn border-transparent",
    bad: "bg-bad-soft text-bad border-transparent",
  };
  return (
    <span
      className={clsx(
        "inline-flex items-center gap-1 whitespace-nowrap rounded-md border px-1.5 text-xs",
        tones[props.tone ?? "plain"],
      )}
    >
      {props.children}
    </span>
  );
}
