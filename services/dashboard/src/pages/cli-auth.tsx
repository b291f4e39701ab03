import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { client } from "../api/client.js";
import { useUser } from "../modules/session/session.js";
import { Gate } from "../modules/shell/gate.js";
import { CopyLine } from "../modules/ui/copy.js";
import { ErrorNotice, Notice } from "../modules/ui/notice.js";
import { Skeleton, useTitle } from "../modules/ui/page.js";

/** `/cli-auth`: a session token to paste into the command line or an editor. */
export function CliAuthPage() {
  useTitle("Session token");
  const user = useUser();
  const key = useQuery({
    queryKey: ["cli-auth"],
    queryFn: ({ signal }) => client.keyCreate({ params: { user: "me" }, signal }),
    // One visit makes one key, and the page forgets it when it is left.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  return (
    <Gate
      title="Session token"
      lead={`Paste this token where the command line or an editor asks for it. It signs in as ${user.username}.`}
      foot={
        <Link to="/workspaces" className="rounded hover:text-ink hover:underline">
          Go to the workspaces
        </Link>
      }
    >
      {key.isPending && <Skeleton className="h-9 w-full" />}
      {key.isError && <ErrorNotice error={key.error} onRetry={() => void key.refetch()} />}
      {key.data && (
        <div className="flex flex-col gap-3">
          <CopyLine text={key.data.key} />
          <Notice tone="warn">
            Whoever has it acts as you. Paste it only into a program that you started.
          </Notice>
        </div>
      )}
    </Gate>
  );
}
