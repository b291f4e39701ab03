import type { AgentMetadata as Item } from "@fleet/sdk";
import { useState } from "react";
import { client } from "../../api/client.js";
import { useLive } from "../../api/live.js";
import { isRealTime } from "../format/time.js";
import { Skeleton } from "../ui/page.js";
import { Tip } from "../ui/tip.js";

/** The agent's metadata, live. */
export function AgentMetadataGrid({ agent, connected }: { agent: string; connected: boolean }) {
  const [items, setItems] = useState<ReadonlyMap<string, Item>>(new Map());
  useLive(agent, {
    open: (signal) =>
      client.agentWatchMetadataSocket({ params: { agent }, query: { heartbeat: true }, signal }),
    onItem(event) {
      if (event.type !== "data" || !event.data) return;
      const arrived = event.data;
      // A message may contain only the changes.
      setItems(
        (before) => new Map([...before, ...arrived.map((item) => [item.description.key, item] as const)]),
      );
    },
  });
  if (items.size === 0) return null;
  return (
    <dl className="grid grid-cols-[repeat(auto-fill,minmax(8.5rem,1fr))] gap-x-6 gap-y-3">
      {[...items.values()].map((item) => (
        <div key={item.description.key} className="min-w-0">
          <dt className="truncate text-faint text-xs">
            {item.description.display_name || item.description.key}
          </dt>
          <dd className="truncate font-medium tabular-nums">
            <Value item={item} connected={connected} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ item: { result, description }, connected }: { item: Item; connected: boolean }) {
  if (result.error) {
    return (
      <Tip text={result.error}>
        <span className="text-warn">error</span>
      </Tip>
    );
  }
  if (!isRealTime(result.collected_at)) return <Skeleton className="mt-1 h-4 w-16" />;
  const stale = !connected || result.age > description.interval * 3 + description.timeout + 10;
  return (
    <Tip text={stale ? `${result.value} (${Math.round(result.age)} s old)` : result.value}>
      <span className={stale ? "text-faint" : ""}>{result.value || "–"}</span>
    </Tip>
  );
}
