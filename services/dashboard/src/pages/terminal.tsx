import type { Workspace, WorkspaceAgent } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import clsx from "clsx";
import { useEffect, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { client, pulse } from "../api/client.js";
import { useLive } from "../api/live.js";
import { useReach } from "../api/pulse.js";
import { putWorkspace, workspaceQuery } from "../api/workspaces.js";
import { agentState } from "../modules/agents/state.js";
import { useNow } from "../modules/format/time.js";
import { randomId, type TerminalConnection, type TerminalState } from "../modules/terminal/connection.js";
import { TerminalScreen } from "../modules/terminal/screen.js";
import { Button } from "../modules/ui/button.js";
import { ErrorNotice } from "../modules/ui/notice.js";
import { useTitle } from "../modules/ui/page.js";
import { workspacePath } from "../paths.js";

const RECONNECT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * `/@:user/:workspace[.agent]/terminal?app=&command=&reconnect=`. The shell's id is kept in the URL, so that reloading the
 * page reconnects to it.
 */
export function TerminalPage() {
  const { user = "", workspace: target = "" } = useParams();
  // Some clients omit the @.
  const owner = user.replace(/^@/, "");
  const [name = "", agentName] = target.split(".", 2);
  useTitle(`${name} terminal`);
  const workspace = useQuery(workspaceQuery(owner, name));
  return (
    <div className="flex h-dvh flex-col bg-terminal text-[#e3e6ec] [color-scheme:dark]">
      {workspace.error && !workspace.data && (
        <div className="mx-auto w-full max-w-lg p-4 pt-[20vh]">
          <ErrorNotice error={workspace.error} onRetry={() => void workspace.refetch()} />
        </div>
      )}
      {workspace.data && <Session workspace={workspace.data} agentName={agentName} />}
    </div>
  );
}

function Session({ workspace, agentName }: { workspace: Workspace; agentName: string | undefined }) {
  const queries = useQueryClient();
  useLive(workspace.id, {
    open: (signal) =>
      client.workspaceWatchSocket({
        params: { workspace: workspace.id },
        query: { heartbeat: true },
        signal,
      }),
    onItem: (event) => event.type === "data" && event.data && putWorkspace(queries, event.data),
  });
  const [search, setSearch] = useSearchParams();
  const given = search.get("reconnect") ?? "";
  const reconnect = RECONNECT_ID.test(given) ? given : undefined;
  // An app's command comes from the template; any other may have been put into the link by anybody.
  const linked = search.get("command") || undefined;
  const consent = useConsent(linked, reconnect);
  const [state, setState] = useState<TerminalState>({ kind: "connecting" });
  const [connection, setConnection] = useState<TerminalConnection>();

  function beginShell() {
    setSearch(
      (before) => {
        before.set("reconnect", randomId());
        return before;
      },
      { replace: true },
    );
  }
  useEffect(() => {
    if (reconnect === undefined) beginShell();
  }, [reconnect]);

  const agents = workspace.latest_build.resources.flatMap((resource) => resource.agents ?? []);
  const agent = agentName
    ? agents.find((each) => each.name === agentName)
    : (agents.find((each) => !each.parent_id) ?? agents[0]);
  const ofApp = agent?.apps.find(({ slug }) => slug === search.get("app"))?.command || undefined;
  // Keep the terminal of an agent that was reachable once: its connection handles reconnects.
  const [joined, setJoined] = useState<string>();
  useEffect(() => {
    if (agent?.status === "connected") setJoined(agent.id);
  }, [agent?.id, agent?.status]);
  const ready = agent && reconnect && (joined === agent.id || agent.status === "connected");

  const asks = linked !== undefined && consent.answer === undefined;

  return (
    <>
      {asks ? (
        <AskToRun command={linked} workspace={workspace} onAnswer={consent.give} />
      ) : ready ? (
        <TerminalScreen
          key={`${agent.id} ${reconnect}`}
          agent={agent.id}
          reconnect={reconnect}
          command={ofApp ?? (consent.answer === "run" ? linked : undefined)}
          onState={setState}
          onConnection={setConnection}
        />
      ) : (
        <Waiting workspace={workspace} agent={agent} agentName={agentName} />
      )}
      <StatusBar
        workspace={workspace}
        agent={agent}
        state={ready && !asks ? state : undefined}
        asks={asks}
        onRetry={() => connection?.retry()}
        onBegin={beginShell}
      />
    </>
  );
}

type Consent = "run" | "shell";

/**
 * Asks whether a command from the URL may run, because anybody can send a link. The answer is kept for this shell in
 * this tab, so that reloading does not ask again.
 */
function useConsent(command: string | undefined, reconnect: string | undefined) {
  const key = `terminal-consent ${reconnect} ${command}`;
  const [answer, setAnswer] = useState<{ key: string; given: Consent }>();
  const kept = reconnect === undefined ? null : readKept(key);
  const given = answer?.key === key ? answer.given : (kept ?? undefined);
  return {
    answer: given,
    give(next: Consent) {
      setAnswer({ key, given: next });
      try {
        sessionStorage.setItem(key, next);
      } catch {
        // Storage can be blocked: the page then asks again after a reload.
      }
    },
  };
}

function readKept(key: string): Consent | null {
  try {
    const kept = sessionStorage.getItem(key);
    return kept === "run" || kept === "shell" ? kept : null;
  } catch {
    return null;
  }
}

function AskToRun(props: { command: string; workspace: Workspace; onAnswer(answer: Consent): void }) {
  const { command, workspace, onAnswer } = props;
  return (
    <main className="mx-auto flex w-full max-w-2xl flex-1 flex-col justify-center gap-4 px-6">
      <h1 className="text-lg">
        Run this command in {workspace.owner_name}/{workspace.name}?
      </h1>
      <pre className="max-h-[40vh] overflow-auto whitespace-pre-wrap rounded-lg border border-[#3a404b] bg-[#15171b] px-3 py-2 font-mono text-sm [overflow-wrap:anywhere]">
        {command}
      </pre>
      <p className="text-[#a0a7b5]">
        The command comes from the link that opened this page. Run it only if you trust where the link came
        from.
      </p>
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => onAnswer("shell")}>Open a shell instead</Button>
        <Button look="primary" onClick={() => onAnswer("run")}>
          Run command
        </Button>
      </div>
    </main>
  );
}

function Waiting(props: {
  workspace: Workspace;
  agent: WorkspaceAgent | undefined;
  agentName: string | undefined;
}) {
  const { workspace, agent, agentName } = props;
  const { status } = workspace.latest_build;
  const text = agent
    ? agentState(agent).explanation
    : status !== "running"
      ? `The workspace is ${status}. Start it to open a terminal.`
      : agentName
        ? `The workspace has no agent named ${agentName}.`
        : "The workspace has no agent to open a terminal on.";
  return (
    <div className="flex flex-1 flex-col items-center justify-center gap-4 px-6 text-center">
      <p className="max-w-md text-[#a0a7b5]">{text}</p>
      <Button asChild>
        <Link to={workspacePath(workspace)}>Go to the workspace</Link>
      </Button>
    </div>
  );
}

function StatusBar(props: {
  workspace: Workspace;
  agent: WorkspaceAgent | undefined;
  state: TerminalState | undefined;
  asks: boolean;
  onRetry(): void;
  onBegin(): void;
}) {
  const { workspace, agent, state, asks, onRetry, onBegin } = props;
  const kind = state?.kind ?? "waiting";
  const dot = {
    connected: "bg-[#58c98b]",
    connecting: "bg-[#77adf5] animate-breathe",
    reconnecting: "bg-[#e3b04c] animate-breathe",
    ended: "bg-[#6b7382]",
    waiting: "bg-[#77adf5] animate-breathe",
  }[kind];
  return (
    <div
      role="status"
      data-state={kind}
      className="flex h-7 shrink-0 items-center gap-3 border-[#21252d] border-t px-3 text-[#a0a7b5] text-xs"
    >
      <span className="flex items-center gap-1.5">
        <span aria-hidden className={clsx("size-1.5 rounded-full", dot)} />
        {kind === "connected" && "Connected"}
        {kind === "connecting" && "Connecting…"}
        {kind === "waiting" && (asks ? "Not connected" : "Waiting for the agent")}
        {kind === "ended" && "The shell exited"}
        {state?.kind === "reconnecting" && <Reconnecting retryAt={state.retryAt} />}
      </span>
      {kind === "reconnecting" && (
        <button type="button" className="underline hover:text-white" onClick={onRetry}>
          Reconnect now
        </button>
      )}
      {kind === "ended" && (
        <button type="button" className="underline hover:text-white" onClick={onBegin}>
          Open a new shell
        </button>
      )}
      <Link to={workspacePath(workspace)} className="ml-auto truncate hover:text-white">
        {workspace.owner_name}/{workspace.name}
        {agent && `.${agent.name}`}
      </Link>
    </div>
  );
}

function Reconnecting({ retryAt }: { retryAt: number }) {
  const now = useNow(500);
  const reach = useReach(pulse);
  const seconds = Math.ceil((retryAt - now.getTime()) / 1_000);
  return (
    <>
      {reach === "offline" ? "You are offline" : "Disconnected"}. Your shell keeps running. Reconnecting
      {reach === "ok" && seconds > 0 ? ` in ${seconds} s` : "…"}
    </>
  );
}
