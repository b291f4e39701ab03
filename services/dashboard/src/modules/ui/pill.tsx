import clsx from "clsx";

export type PillTone = "ok" | "busy" | "idle" | "warn" | "bad";

const DOTS: Record<PillTone, string> = {
  ok: "bg-ok",
  busy: "bg-busy animate-breathe",
  idle: "bg-faint",
  warn: "bg-warn",
  bad: "bg-bad",
};
const PILLS: Record<PillTone, string> = {
  ok: "bg-ok-soft text-ok",
  busy: "bg-busy-soft text-busy",
  idle: "bg-sunken text-muted",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
};

/** A status: a colored dot and a label. */
export function Pill({ tone, children }: { tone: PillTone; children: string }) {
  return (
    <span
      className={clsx(
        "inline-flex items-center gap-1.5 whitespace-nowrap rounded-full px-2 py-0.5 font-medium text-xs",
        PILLS[tone],
      )}
    >
      <span aria-hidden className={clsx("size-1.5 rounded-full", DOTS[tone])} />
      {children}
    </span>
  );
}
