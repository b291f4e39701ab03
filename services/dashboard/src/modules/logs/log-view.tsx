import clsx from "clsx";
import { ArrowDown } from "lucide-react";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { Button } from "../ui/button.js";

/** How near its end a log counts as "at the end", in pixels. */
const NEAR_END_PX = 40;

/** A well that holds log lines and stays at their end, until the reader scrolls up. */
export function LogWell(props: {
  /** Changes with each line, so that the well knows when to move. */
  count: number;
  label: string;
  tall?: boolean;
  children: ReactNode;
}) {
  const well = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  useLayoutEffect(() => {
    if (atEnd) well.current?.scrollTo({ top: well.current.scrollHeight });
  }, [atEnd, props.count]);
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
        {props.children}
      </div>
      {!atEnd && (
        <Button
          size="sm"
          icon={<ArrowDown aria-hidden />}
          onClick={() => setAtEnd(true)}
          className="absolute right-4 bottom-3"
        >
          To the end
        </Button>
      )}
    </div>
  );
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
      <time dateTime={props.time} className="hidden shrink-0 select-none text-faint sm:block">
        {clock.format(new Date(props.time))}
      </time>
      {props.source !== undefined && (
        <span className="hidden w-32 shrink-0 select-none truncate text-faint sm:block">{props.source}</span>
      )}
      <span className="min-w-0 whitespace-pre-wrap [overflow-wrap:anywhere]">
        {props.text.replace(ESCAPES, "") || " "}
      </span>
    </div>
  );
}
