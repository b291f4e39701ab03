import { useIsFetching } from "@tanstack/react-query";
import { useEffect, useState } from "react";

/** Shorter waits are not shown. */
const NOTICED_MS = 250;

/** A line at the window's top while a page, or the first data of one, is on its way. */
export function Progress() {
  const waiting = useIsFetching({ predicate: ({ state }) => state.status === "pending" }) > 0;
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (!waiting) return setShown(false);
    const timer = setTimeout(() => setShown(true), NOTICED_MS);
    return () => clearTimeout(timer);
  }, [waiting]);
  return shown && <ProgressLine />;
}

export function ProgressLine() {
  return (
    <div aria-hidden className="fixed inset-x-0 top-0 z-50 h-0.5 overflow-hidden">
      <div className="h-full w-1/3 animate-progress bg-accent" />
    </div>
  );
}
