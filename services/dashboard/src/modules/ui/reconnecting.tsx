import { useEffect, useState } from "react";
import { pulse } from "../../api/client.js";
import type { LiveState } from "../../api/live.js";
import { useReach } from "../../api/pulse.js";
import { Notice } from "./notice.js";

/** A stream that is back within this time was not away, as far as a person can tell. */
const NOTICED_MS = 4_000;

/** Says that what the page shows is not followed at the moment, though the server can be reached: else the banner tells. */
export function Reconnecting({ state }: { state: LiveState }) {
  const [noticed, setNoticed] = useState(false);
  const lost = useReach(pulse) === "ok" && state === "lost";
  useEffect(() => {
    setNoticed(false);
    if (!lost) return;
    const timer = setTimeout(() => setNoticed(true), NOTICED_MS);
    return () => clearTimeout(timer);
  }, [lost]);
  if (!lost || !noticed) return null;
  return (
    <Notice tone="warn" title="Live updates are interrupted. Reconnecting…">
      What you see may be out of date.
    </Notice>
  );
}
