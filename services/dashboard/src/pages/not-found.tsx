import { Compass } from "lucide-react";
import { Link } from "react-router";
import { Button } from "../modules/ui/button.js";
import { Empty, useTitle } from "../modules/ui/page.js";

export function NotFoundPage() {
  useTitle("Not found");
  return (
    <Empty
      icon={<Compass aria-hidden />}
      title="Page not found"
      action={
        <Button look="primary" asChild>
          <Link to="/workspaces">Go to workspaces</Link>
        </Button>
      }
    >
      Check the URL. The page may have been moved or deleted.
    </Empty>
  );
}
