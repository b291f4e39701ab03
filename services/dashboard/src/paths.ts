/** Paths of a workspace's pages. Clients and bookmarks use them, so they must not change. */
type Named = { owner_name: string; name: string };

export function workspacePath({ owner_name, name }: Named): string {
  return `/@${owner_name}/${name}`;
}

export function buildPath(workspace: Named, number: number): string {
  return `${workspacePath(workspace)}/builds/${number}`;
}

/** `app`: slug of the app whose command runs in the terminal. */
export function terminalPath(workspace: Named, agent: string, app?: string): string {
  const query = app ? `?${new URLSearchParams({ app })}` : "";
  return `${workspacePath(workspace)}.${agent}/terminal${query}`;
}

/** User name of a path segment such as "@ana"; undefined if it is not a user. */
export function userOfSegment(segment: string | undefined): string | undefined {
  return segment?.startsWith("@") && segment.length > 1 ? segment.slice(1) : undefined;
}
