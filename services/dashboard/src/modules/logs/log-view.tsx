import { useVirtualizer } from "@tanstack/react-virtual";
import clsx from "clsx";
import { ArrowDown } from "lucide-react";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { Button } from "../ui/button.js";

/** Distance from the end at which a log counts as "at the end", in pixels. */
const NEAR_END_PX = 40;
/** Estimated height of a line until it is measured. */
const LINE_PX = 20;
const OVERSCAN_LINES = 30;

/**
 * A scrollable log that follows its end until the reader scrolls up. Only visible lines are rendered, because a log may
 * have a hundred thousand lines.
 */
export function LogWell<L extends { id: number | string }>(props: {
  lines: readonly L[];
  label: string;
  tall?: boolean;
  before?: ReactNode;
  after?: ReactNode;
  children(line: L): ReactNode;
}) {
  const { lines } = props;
  const well = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => well.current,
    estimateSize: () => LINE_PX,
    getItemKey: (index) => lines[index]!.id,
    overscan: OVERSCAN_LINES,
  });
  const height = virtual.getTotalSize();
  useLayoutEffect(() => {
    // The height changes as lines arrive and visible ones are measured.
    if (atEnd && height > 0) well.current?.scrollTo({ top: well.current.scrollHeight });
  }, [atEnd, height]);
  return (
    <div className="relative">
      <div
        ref={well}
        role="log"
        aria-label={props.label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
          setAtEnd(scrollHeight - scrollTop - clientHeight < NEAR_END_PX)
        }
        className={clsx(
          "overflow-y-auto overscroll-contain bg-sunken font-mono text-xs leading-5",
          props.tall ? "max-h-[65vh]" : "max-h-80",
        )}
      >
        {props.before}
        <div className="relative" style={{ height }}>
          {virtual.getVirtualItems().map((item) => (
            <div
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              className="absolute inset-x-0 top-0"
              style={{ transform: `translateY(${item.start}px)` }}
            >
              {props.children(lines[item.index]!)}
            </div>
          ))}
        </div>
        {props.after}
      </div>
      {!atEnd && (
        <Button
          size="sm"
          icon={<ArrowDown aria-hidden />}
          onClick={() => setAtEnd(true)}
          className="absolute right-4 bottom-3"
        >
          Jump to end
        </Button>
      )}
    </div>
  );
}

/** Shows how many older lines were dropped. */
export function Dropped({ count }: { count: number }) {
  if (count === 0) return null;
  return <p className="px-4 py-2 text-faint">{count} earlier lines are not shown.</p>;
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";
const LEVELS: Record<LogLevel, string> = {
  trace: "text-faint",
  debug: "text-faint",
  info: "text-ink",
  warn: "text-warn",
  error: "text-bad bg-bad-soft",
};
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

export function LogLine(props: { time: string; level: LogLevel; source?: string | undefined; text: string }) {
  return (
    <div className={clsx("flex gap-3 px-4", LEVELS[props.level])}>
      <time dateTime={props.time} className="hidden shrink-0 select-none text-muted sm:block">
        {clock.format(new Date(props.time))}
      </time>
      {props.source !== undefined && (
        <span className="hidden w-32 shrink-0 select-none truncate text-muted sm:block">{props.source}</span>
      )}
      <span className="min-w-0 whitespace-pre-wrap [overflow-wrap:anywhere]">
        {props.text.replace(ESCAPES, "") || " "}
      </span>
    </div>
  );
}
