import type { AgentLog as Line, WorkspaceAgent } from "@fleet/sdk";
import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { client } from "../../api/client.js";
import { useLines } from "../../api/lines.js";
import { LogLine, LogWell } from "../logs/log-view.js";

/** The log of the agent's scripts, closed until it is asked for or something is going on. */
export function AgentLogPanel({ agent, interesting }: { agent: WorkspaceAgent; interesting: boolean }) {
  const [choice, setChoice] = useState<boolean>();
  const open = choice ?? interesting;
  return (
    <div className="border-line border-t">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setChoice(!open)}
        className="flex w-full items-center gap-2 px-4 py-2 text-left text-muted text-sm hover:text-ink sm:px-5"
      >
        <ChevronDown className={`size-4 transition-transform ${open ? "" : "-rotate-90"}`} aria-hidden />
        Log of the agent's scripts
      </button>
      {open && <AgentLines agent={agent} />}
    </div>
  );
}

function AgentLines({ agent }: { agent: WorkspaceAgent }) {
  const { lines, dropped } = useLines<Line>({
    key: agent.id,
    complete: false,
    open: (after, signal) =>
      client.agentLogsFollow({
        params: { agent: agent.id },
        ...(after === undefined ? {} : { query: { after } }),
        signal,
      }),
  });
  const names = new Map(agent.log_sources.map((source) => [source.id, source.display_name]));
  if (lines.length === 0) return <p className="px-5 pb-4 text-muted text-sm">Nothing has been logged.</p>;
  return (
    <div className="overflow-hidden rounded-b-xl">
      <LogWell count={lines.length} label={`Log of ${agent.name}`}>
        {dropped > 0 && <p className="px-4 py-2 text-faint">{dropped} earlier lines are not shown.</p>}
        {agent.logs_overflowed && (
          <p className="px-4 py-2 text-warn">The log reached its limit: later lines were not kept.</p>
        )}
        <div className="py-2">
          {lines.map((line) => (
            <LogLine
              key={line.id}
              time={line.created_at}
              level={line.level}
              source={names.size > 1 ? (names.get(line.source_id) ?? "") : undefined}
              text={line.output}
            />
          ))}
        </div>
      </LogWell>
    </div>
  );
}
