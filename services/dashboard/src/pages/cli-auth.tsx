import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { client } from "../api/client.js";
import { useUser } from "../modules/session/session.js";
import { Gate } from "../modules/shell/gate.js";
import { CopyLine } from "../modules/ui/copy.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { Skeleton, useTitle } from "../modules/ui/page.js";

/** `/cli-auth`: a session token to paste into the command line or an editor. */
export function CliAuthPage() {
  useTitle("Session token");
  const user = useUser();
  const key = useQuery({
    queryKey: ["cli-auth"],
    queryFn: ({ signal }) => client.keyCreate({ params: { user: "me" }, signal }),
    // Each visit creates one key, which is discarded when the page is left. A reconnect does not create another.
    staleTime: "static",
    gcTime: 0,
    retry: false,
  });
  return (
    <Gate
      title="Session token"
      lead={`Paste this token into the CLI or editor to sign in as ${user.username}.`}
      foot={
        <Link to="/workspaces" className="rounded hover:text-ink hover:underline">
          Go to workspaces
        </Link>
      }
    >
      <Loaded query={key} skeleton={<Skeleton className="h-9 w-full" />}>
        {({ key: token }) => (
          <div className="flex flex-col gap-3">
            <CopyLine text={token} />
            <Notice tone="warn">
              Anyone who has this token can act as you. Paste it only into a program that you started.
            </Notice>
          </div>
        )}
      </Loaded>
    </Gate>
  );
}
