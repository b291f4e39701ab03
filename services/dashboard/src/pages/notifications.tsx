import { useQueryClient } from "@tanstack/react-query";
import { CheckCheck } from "lucide-react";
import { Link } from "react-router";
import { markAllRead } from "../api/inbox.js";
import { InboxList } from "../modules/shell/inbox.js";
import { Button } from "../modules/ui/button.js";
import { Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { useAct } from "../modules/ui/toast.js";

/** `/notifications`: everything that the user was notified of. */
export function InboxPage() {
  useTitle("Notifications");
  const queries = useQueryClient();
  const act = useAct();
  return (
    <Page width="narrow">
      <PageHeader
        title="Notifications"
        lead={
          <>
            Choose what you receive in{" "}
            <Link
              to="/settings/notifications"
              className="text-accent underline decoration-accent/40 underline-offset-2 hover:decoration-accent"
            >
              your settings
            </Link>
            .
          </>
        }
        actions={
          <Button icon={<CheckCheck aria-hidden />} onClick={() => act(() => markAllRead(queries))}>
            Mark all as read
          </Button>
        }
      />
      <div className="-mx-4 border-line border-y">
        <InboxList />
      </div>
    </Page>
  );
}
