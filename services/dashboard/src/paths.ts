/** Addresses of a workspace's pages: clients and people keep them, so they never change. */
type Named = { owner_name: string; name: string };

export function workspacePath({ owner_name, name }: Named): string {
  return `/@${owner_name}/${name}`;
}

export function buildPath(workspace: Named, number: number): string {
  return `${workspacePath(workspace)}/builds/${number}`;
}

/** `app`: the app, by its slug, whose command runs in it. */
export function terminalPath(workspace: Named, agent: string, app?: string): string {
  const query = app ? `?${new URLSearchParams({ app })}` : "";
  return `${workspacePath(workspace)}.${agent}/terminal${query}`;
}

/** "@ana" as a segment of an address names the user "ana"; undefined where the segment is no user. */
export function userOfSegment(segment: string | undefined): string | undefined {
  return segment?.startsWith("@") && segment.length > 1 ? segment.slice(1) : undefined;
}
