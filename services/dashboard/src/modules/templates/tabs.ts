import type { Template } from "@fleet/sdk";

/** The pages of a template that the user may see. */
export function templateTabs(
  { name }: Template,
  may: { update: boolean } | undefined,
): { to: string; label: string; end?: boolean }[] {
  const base = `/templates/${name}`;
  return [
    { to: base, label: "Overview", end: true },
    { to: `${base}/versions`, label: "Versions" },
    ...(may?.update
      ? [
          { to: `${base}/source`, label: "Source" },
          { to: `${base}/workspaces`, label: "Workspaces" },
          { to: `${base}/rollouts`, label: "Rollouts" },
          { to: `${base}/insights`, label: "Insights" },
          { to: `${base}/settings`, label: "Settings" },
        ]
      : []),
  ];
}
