import { useEffect, useState } from "react";
import type { LiveState } from "../../api/live.js";
import { Notice } from "./notice.js";

/** A stream that is back within this time was not away, as far as a person can tell. */
const NOTICED_MS = 1_000;

/** Says that what the page shows is not followed at the moment. */
export function Reconnecting({ state }: { state: LiveState }) {
  const [noticed, setNoticed] = useState(false);
  const lost = state === "lost";
  useEffect(() => {
    setNoticed(false);
    if (!lost) return;
    const timer = setTimeout(() => setNoticed(true), NOTICED_MS);
    return () => clearTimeout(timer);
  }, [lost]);
  if (!lost || !noticed) return null;
  return (
    <Notice tone="warn" title="Reconnecting…">
      The server cannot be reached at the moment: what you see is what it told last.
    </Notice>
  );
}
