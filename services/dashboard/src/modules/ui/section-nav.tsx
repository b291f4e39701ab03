import clsx from "clsx";
import type { ReactNode } from "react";
import { NavLink } from "react-router";

export type SectionLink = { to: string; label: string };
export type SectionGroup = { title?: string; links: readonly SectionLink[] };

/**
 * The pages of an area (Activity, Admin, Account) beside their links: a column on wide windows, a line that scrolls on narrow
 * ones.
 */
export function SectionNav(props: { label: string; groups: readonly SectionGroup[]; children: ReactNode }) {
  const groups = props.groups.filter(({ links }) => links.length > 0);
  const single = groups.length === 1 && groups[0]!.links.length === 1;
  return (
    <div className="flex flex-col gap-6 lg:flex-row lg:gap-10">
      {!single && (
        <nav
          aria-label={props.label}
          className="-mx-4 flex shrink-0 gap-4 overflow-x-auto border-line border-b px-4 [scrollbar-width:none] sm:-mx-6 sm:px-6 lg:sticky lg:top-8 lg:mx-0 lg:w-40 lg:flex-col lg:gap-5 lg:self-start lg:border-0 lg:px-0"
        >
          {groups.map(({ title, links }) => (
            <div key={title ?? ""} className="flex gap-4 lg:flex-col lg:gap-0.5">
              {title && <p className="hidden px-2 pb-1 text-faint text-xs lg:block">{title}</p>}
              {links.map(({ to, label }) => (
                <NavLink key={to} to={to} className={({ isActive }) => linkClasses(isActive)}>
                  {label}
                </NavLink>
              ))}
            </div>
          ))}
        </nav>
      )}
      <div className="min-w-0 flex-1">{props.children}</div>
    </div>
  );
}

function linkClasses(isActive: boolean): string {
  return clsx(
    "-mb-px whitespace-nowrap border-b-2 py-2 transition-colors lg:mb-0 lg:rounded-md lg:border-0 lg:px-2 lg:py-1",
    isActive ? "border-ink font-medium text-ink lg:bg-hover" : "border-transparent text-muted hover:text-ink",
  );
}

/** The tabs of one thing: a workspace, a template. */
export function Tabs(props: {
  label: string;
  tabs: readonly { to: string; label: string; end?: boolean }[];
}) {
  return (
    <nav
      aria-label={props.label}
      className="-mx-4 flex gap-5 overflow-x-auto border-line border-b px-4 [scrollbar-width:none] sm:mx-0 sm:px-0"
    >
      {props.tabs.map(({ to, label, end }) => (
        <NavLink
          key={to}
          to={to}
          end={end ?? false}
          className={({ isActive }) =>
            clsx(
              "-mb-px whitespace-nowrap border-b-2 py-2 transition-colors",
              isActive ? "border-ink font-medium text-ink" : "border-transparent text-muted hover:text-ink",
            )
          }
        >
          {label}
        </NavLink>
      ))}
    </nav>
  );
}

/** Chooses one of a few, side by side. */
export function Segments(props: {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange(value: string): void;
}) {
  return (
    <fieldset
      aria-label={props.label}
      className="flex h-8 shrink-0 items-center rounded-lg border border-line-strong bg-surface p-0.5 shadow-card"
    >
      {props.options.map(({ value, label }) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === props.value}
          onClick={() => props.onChange(value)}
          className={clsx(
            "h-full rounded-md px-2.5 text-sm transition-colors",
            value === props.value ? "bg-hover font-medium text-ink" : "text-muted hover:text-ink",
          )}
        >
          {label}
        </button>
      ))}
    </fieldset>
  );
}
