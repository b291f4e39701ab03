import { Lock } from "lucide-react";
import type { ReactNode } from "react";
import { Empty, Skeleton } from "./page.js";

/** A page for those who may see it: `allowed` is undefined while that is being asked. */
export function Allowed(props: { allowed: boolean | undefined; children: ReactNode }) {
  if (props.allowed === undefined) return <Skeleton className="h-64 w-full rounded-xl" />;
  if (props.allowed) return props.children;
  return (
    <Empty icon={<Lock aria-hidden />} title="You do not have access to this page">
      Ask your administrator if you need it.
    </Empty>
  );
}
