/** The ways in which a workspace is used. */
export type ActivityKind = "vscode" | "jetbrains" | "reconnecting_pty" | "ssh" | "app";

/** That a workspace was used, or is still in use, at a time. */
export type WorkspaceUse = { workspaceId: string; kind: ActivityKind; at: Date };

/**
 * Where every sign that a workspace is used goes: sessions and connections, from whoever notices them. It decides what
 * counts.
 */
export type ActivityRecorder = { record(uses: readonly WorkspaceUse[]): Promise<void> };
