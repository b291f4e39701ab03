import { StateMark, type StateName } from "./state.js";

export type PillTone = "ok" | "busy" | "idle" | "warn" | "bad" | "dormant";

/** The state that a tone stands for. */
export const STATE_OF_TONE: Record<PillTone, StateName> = {
  ok: "running",
  busy: "changing",
  idle: "stopped",
  warn: "attention",
  bad: "failed",
  dormant: "dormant",
};

/** A state: its mark and its name. */
export function Pill({ tone, children }: { tone: PillTone; children: string }) {
  return (
    <span className="inline-flex items-center gap-1.5 whitespace-nowrap font-normal text-ink text-sm tracking-normal">
      <StateMark state={STATE_OF_TONE[tone]} />
      {children}
    </span>
  );
}
