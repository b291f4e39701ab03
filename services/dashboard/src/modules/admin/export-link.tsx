import { Download } from "lucide-react";
import { Button } from "../ui/button.js";

/** Downloads all entries that the search finds, not only this page's. */
export function ExportLink({ path, q, name }: { path: string; q: string; name: string }) {
  return (
    <Button asChild>
      <a href={q ? `${path}?${new URLSearchParams({ q })}` : path} download={name}>
        <Download aria-hidden />
        Export
      </a>
    </Button>
  );
}
