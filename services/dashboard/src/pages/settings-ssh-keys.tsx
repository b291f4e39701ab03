import { useQuery, useQueryClient } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client.js";
import { gitSshKeyQuery } from "../api/users.js";
import { Ago } from "../modules/format/time.js";
import { Button } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { CopyLine } from "../modules/ui/copy.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Page, PageHeader, Skeleton, useTitle } from "../modules/ui/page.js";

/** The SSH key that the user's workspaces use for Git servers. */
export function SshKeysPage() {
  useTitle("SSH keys");
  const queries = useQueryClient();
  const key = useQuery(gitSshKeyQuery);
  const [asking, setAsking] = useState(false);
  return (
    <Page width="narrow">
      <PageHeader
        title="SSH keys"
        lead="Your workspaces authenticate to Git servers with this key. Add the public key to your account on each Git server."
        actions={
          <Button icon={<RefreshCw aria-hidden />} onClick={() => setAsking(true)}>
            Regenerate…
          </Button>
        }
      />
      <Loaded query={key} skeleton={<Skeleton className="h-8 w-full" />}>
        {({ public_key, updated_at }) => (
          <div className="flex flex-col gap-2">
            <CopyLine text={public_key.trim()} />
            <p className="text-muted text-sm">
              Generated <Ago time={updated_at} />
            </p>
          </div>
        )}
      </Loaded>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        danger
        title="Regenerate the SSH key?"
        description="The current key stops working. Git servers reject your workspaces until you add the new public key there."
        action="Regenerate key"
        onConfirm={async () => {
          queries.setQueryData(
            gitSshKeyQuery.queryKey,
            await client.gitSshKeyRegenerate({ params: { user: "me" } }),
          );
        }}
      />
    </Page>
  );
}
