/** The ways in which a workspace is used. */
export const ACTIVITY_KINDS = ["vscode", "jetbrains", "reconnecting_pty", "ssh", "app", "processes"] as const;
export type ActivityKind = (typeof ACTIVITY_KINDS)[number];

/** The kinds of sessions with an agent. */
export type SessionKind = Exclude<ActivityKind, "app" | "processes">;

/** That a workspace was used, or is still in use, at a time. */
export type WorkspaceUse = {
  workspaceId: string;
  kind: ActivityKind;
  at: Date;
  /** The user of the session or app sent something, as opposed to a connection that is merely open. */
  input?: boolean | undefined;
  /** Of processes, in percent of one core. */
  cpuPercent?: number | undefined;
};

/**
 * Where every sign that a workspace is used goes: sessions, connections and processes, from whoever notices them. It
 * decides what counts.
 */
export type ActivityRecorder = { record(uses: readonly WorkspaceUse[]): Promise<void> };
