import type { ReactNode } from "react";

/** A part of a form, below a heading; parts are divided by space, not by boxes. */
export function FormSection(props: { title: string; lead?: ReactNode; children: ReactNode }) {
  return (
    <section className="flex flex-col gap-5">
      <header className="border-line border-b pb-2">
        <h2 className="text-base">{props.title}</h2>
        {props.lead && <p className="text-muted text-sm">{props.lead}</p>}
      </header>
      {props.children}
    </section>
  );
}
