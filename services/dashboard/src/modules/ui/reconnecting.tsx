import { useEffect, useState } from "react";
import { pulse } from "../../api/client.js";
import type { LiveState } from "../../api/live.js";
import { useReach } from "../../api/pulse.js";
import { Notice } from "./notice.js";

/** Shorter disconnects are not shown. */
const NOTICED_MS = 4_000;

/** Shows that live updates are paused although the server is reachable; otherwise the banner is shown. */
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
