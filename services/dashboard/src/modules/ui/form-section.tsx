import clsx from "clsx";
import type { ReactNode } from "react";

/** A part of a page below a heading; parts are divided by space and a line, not by boxes. */
export function FormSection(props: {
  title: string;
  lead?: ReactNode;
  action?: ReactNode;
  /** It holds a table, which brings its own line. */
  table?: boolean;
  children: ReactNode;
}) {
  const { title, lead, action, table = false, children } = props;
  return (
    <section className={clsx("flex flex-col", table ? "gap-2" : "gap-5")}>
      <header
        className={clsx(
          "flex flex-wrap items-center justify-between gap-x-4 gap-y-2",
          !table && "border-line border-b pb-2",
        )}
      >
        <div className="min-w-0">
          <h2 className="text-base">{title}</h2>
          {lead && <p className="text-muted text-sm">{lead}</p>}
        </div>
        {action}
      </header>
      {children}
    </section>
  );
}
