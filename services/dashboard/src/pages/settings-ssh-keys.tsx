import { useQuery, useQueryClient } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client.js";
import { gitSshKeyQuery } from "../api/users.js";
import { Ago } from "../modules/format/time.js";
import { Button } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { CopyLine } from "../modules/ui/copy.js";
import { ErrorNotice } from "../modules/ui/notice.js";
import { Section, Skeleton, useTitle } from "../modules/ui/page.js";

/** The key with which the user's workspaces sign in to git servers. */
export function SshKeysPage() {
  useTitle("SSH key");
  const queries = useQueryClient();
  const key = useQuery(gitSshKeyQuery);
  const [asking, setAsking] = useState(false);
  return (
    <Section
      title="SSH key for git"
      lead="Your workspaces sign in to git servers with it. Add the public key to your account there."
      action={
        <Button size="sm" icon={<RefreshCw aria-hidden />} onClick={() => setAsking(true)}>
          Regenerate …
        </Button>
      }
    >
      {key.isPending && <Skeleton className="h-8.5 w-full" />}
      {key.isError && <ErrorNotice error={key.error} onRetry={() => void key.refetch()} />}
      {key.data && (
        <div className="flex flex-col gap-2">
          <CopyLine text={key.data.public_key.trim()} />
          <p className="text-muted text-sm">
            Made <Ago time={key.data.updated_at} />
          </p>
        </div>
      )}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        danger
        title="Replace the key?"
        description="Git servers refuse your workspaces until you have added the other public key there."
        action="Regenerate key"
        onConfirm={async () => {
          queries.setQueryData(
            gitSshKeyQuery.queryKey,
            await client.gitSshKeyRegenerate({ params: { user: "me" } }),
          );
        }}
      />
    </Section>
  );
}
