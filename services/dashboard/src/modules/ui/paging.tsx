import { ChevronLeft, ChevronRight } from "lucide-react";
import { IconButton } from "./button.js";

/** Turns the pages of a list that is read by offset. `page` counts from 1. Nothing is shown for a single page. */
export function Paging(props: { page: number; size: number; count: number; onChange(page: number): void }) {
  const { page, size, count, onChange } = props;
  const last = Math.ceil(count / size);
  if (last <= 1) return null;
  return (
    <nav aria-label="Pages" className="flex items-center justify-end gap-2 text-muted text-sm tabular-nums">
      <span>
        {(page - 1) * size + 1}–{Math.min(count, page * size)} of {count}
      </span>
      <IconButton label="Previous page" disabled={page <= 1} onClick={() => onChange(page - 1)}>
        <ChevronLeft aria-hidden />
      </IconButton>
      <IconButton label="Next page" disabled={page >= last} onClick={() => onChange(page + 1)}>
        <ChevronRight aria-hidden />
      </IconButton>
    </nav>
  );
}
