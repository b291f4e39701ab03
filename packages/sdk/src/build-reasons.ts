/** Reasons that a client may give for a build. */
export const BUILD_REASONS = [
  "dashboard",
  "cli",
  "ssh_connection",
  "vscode_connection",
  "jetbrains_connection",
] as const;
export type BuildReason = (typeof BUILD_REASONS)[number];
