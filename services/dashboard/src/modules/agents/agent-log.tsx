import type { AgentLog as Line, WorkspaceAgent } from "@fleet/sdk";
import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { client } from "../../api/client.js";
import { useLines } from "../../api/lines.js";
import { Dropped, LogLine, LogWell } from "../logs/log-view.js";
import { useFailedScripts } from "./failed-scripts.js";

/** Log of the agent's scripts, collapsed until opened or active. */
export function AgentLogPanel(props: { build: string; agent: WorkspaceAgent; interesting: boolean }) {
  const { build, agent, interesting } = props;
  const [choice, setChoice] = useState<boolean>();
  const open = choice ?? interesting;
  return (
    <div id="agent-logs" className="border-line border-t">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setChoice(!open)}
        className="flex w-full items-center gap-2 px-4 py-2 text-left text-muted text-sm hover:text-ink sm:px-5"
      >
        <ChevronDown className={`size-4 transition-transform ${open ? "" : "-rotate-90"}`} aria-hidden />
        Agent logs
      </button>
      {open && <AgentLines build={build} agent={agent} />}
    </div>
  );
}

function AgentLines({ build, agent }: { build: string; agent: WorkspaceAgent }) {
  const log = useLines<Line>({
    key: agent.id,
    complete: false,
    heartbeats: true,
    open: (after, signal) =>
      client.agentLogsFollow({
        params: { agent: agent.id },
        query: { heartbeat: true, ...(after === undefined ? {} : { after }) },
        signal,
      }),
  });
  const names = new Map(agent.log_sources.map((source) => [source.id, source.display_name]));
  const failed = new Set(useFailedScripts(build, agent).map((script) => script.display_name));
  if (log.lines.length === 0) return <p className="px-5 pb-4 text-muted text-sm">No logs yet.</p>;
  return (
    <div className="overflow-hidden rounded-b-xl">
      <LogWell
        lines={log.lines}
        label={`Logs of ${agent.name}`}
        before={<Dropped count={log.dropped} />}
        after={
          agent.logs_overflowed && (
            <p className="px-4 py-2 text-warn">The log size limit was reached. Later lines were discarded.</p>
          )
        }
      >
        {(line) => (
          <LogLine
            time={line.created_at}
            // stderr is not always an error: only show it as one for a failed script.
            level={
              line.level === "error" && !failed.has(names.get(line.source_id) ?? "") ? "info" : line.level
            }
            source={names.size > 1 ? (names.get(line.source_id) ?? "") : undefined}
            text={line.output}
          />
        )}
      </LogWell>
    </div>
  );
}
