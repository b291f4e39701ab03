import clsx from "clsx";

/** What a thing is doing. Each has a shape of its own, so that it can be told without its color. */
export type StateName = "running" | "changing" | "stopped" | "attention" | "failed" | "dormant";

const COLORS: Record<StateName, string> = {
  running: "text-ok",
  changing: "text-busy",
  stopped: "text-faint",
  attention: "text-warn",
  failed: "text-bad",
  dormant: "text-muted",
};

/**
 * The mark of a state, beside its name: a disc runs, an open ring changes, a ring is stopped, a triangle needs somebody, a
 * crossed octagon failed, a crescent is dormant. The favicon (public/state) has the same shapes.
 */
export function StateMark({ state, className }: { state: StateName; className?: string }) {
  return (
    <svg viewBox="0 0 12 12" aria-hidden className={clsx("size-3 shrink-0", COLORS[state], className)}>
      {SHAPES[state]}
    </svg>
  );
}

const SHAPES = {
  running: <circle cx="6" cy="6" r="4" fill="currentColor" />,
  changing: (
    <g fill="none" stroke="currentColor" strokeWidth="2" className="origin-center animate-turn">
      <circle cx="6" cy="6" r="4" opacity="0.3" />
      <path d="M6 2a4 4 0 0 1 4 4" strokeLinecap="round" />
    </g>
  ),
  stopped: <circle cx="6" cy="6" r="3.5" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  attention: <path d="M6 1.5 11 10.5H1Z" fill="currentColor" stroke="currentColor" strokeLinejoin="round" />,
  failed: (
    <>
      <path d="M4 1h4l3 3v4l-3 3H4L1 8V4Z" fill="currentColor" />
      <path d="m4.25 4.25 3.5 3.5m0-3.5-3.5 3.5" className="stroke-surface" strokeWidth="1.25" />
    </>
  ),
  dormant: <path d="M7.5 1.5a4.6 4.6 0 1 0 3 6.3A4 4 0 0 1 7.500 1.5Z" fill="currentColor" />,
};
