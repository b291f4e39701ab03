import { Compass } from "lucide-react";
import { Link } from "react-router";
import { Button } from "../modules/ui/button.js";
import { Empty, useTitle } from "../modules/ui/page.js";

export function NotFoundPage() {
  useTitle("Not found");
  return (
    <Empty
      icon={<Compass aria-hidden />}
      title="There is no such page"
      action={
        <Button look="primary" asChild>
          <Link to="/workspaces">Go to the workspaces</Link>
        </Button>
      }
    >
      The address may be misspelled, or what it showed was deleted.
    </Empty>
  );
}
