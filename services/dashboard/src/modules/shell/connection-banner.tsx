import { CloudOff, WifiOff } from "lucide-react";
import { useEffect, useState } from "react";
import { pulse } from "../../api/client.js";
import { type Reach, useReach } from "../../api/pulse.js";

/** Shorter outages are not shown. */
const NOTICED_MS = 1_000;

/** Banner on every page while the network or server is unavailable. Disappears by itself. */
export function ConnectionBanner() {
  const noticed = useNoticed(useReach(pulse));
  return (
    <div role="status" className="sticky top-13 z-20">
      {noticed !== "ok" && (
        <p className="flex items-center justify-center gap-2 border-warn/30 border-b bg-warn-soft px-4 py-1.5 text-sm text-warn">
          {noticed === "offline" ? (
            <WifiOff className="size-4 shrink-0" aria-hidden />
          ) : (
            <CloudOff className="size-4 shrink-0" aria-hidden />
          )}
          <span>
            <strong className="font-medium">
              {noticed === "offline" ? "You are offline." : "The server is not responding. Reconnecting…"}
            </strong>{" "}
            What you see may be out of date.
          </span>
        </p>
      )}
    </div>
  );
}

/** The state, ignoring very short changes. */
function useNoticed(reach: Reach): Reach {
  const [noticed, setNoticed] = useState<Reach>("ok");
  useEffect(() => {
    if (reach === "ok") return setNoticed("ok");
    const timer = setTimeout(() => setNoticed(reach), NOTICED_MS);
    return () => clearTimeout(timer);
  }, [reach]);
  return noticed;
}
