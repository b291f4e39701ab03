import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Input } from "../ui/field.js";
import { Select } from "../ui/select.js";

/** Debounce delay of the search field. */
const TYPING_MS = 300;

const OWNERS = [
  { value: "owner:me", label: "My workspaces" },
  { value: "", label: "All workspaces" },
];
const STATUSES = [
  { value: "", label: "Any status" },
  ...["running", "starting", "stopped", "failed", "pending", "stopping"].map((status) => ({
    value: `status:${status}`,
    label: status[0]!.toUpperCase() + status.slice(1),
  })),
  { value: "outdated:true", label: "Update available" },
  { value: "dormant:true", label: "Dormant" },
];

/** The query's term among these options; "" if there is none. */
function termOf(query: string, options: { value: string }[]): string {
  const terms = query.split(/\s+/);
  return options.find(({ value }) => value !== "" && terms.includes(value))?.value ?? "";
}

function replaceTerm(query: string, options: { value: string }[], chosen: string): string {
  const terms = query.split(/\s+/).filter((term) => term && !options.some(({ value }) => value === term));
  return [chosen, ...terms].filter(Boolean).join(" ");
}

const CHOSEN = [...OWNERS, ...STATUSES];

/** The query without the terms shown by the two selects. */
function typedOf(query: string): string {
  const terms = query.split(/\s+/).filter((term) => term && !CHOSEN.some(({ value }) => value === term));
  return terms.join(" ");
}

/** The query with new text. The terms of the two selects are kept unless the text contains them. */
function withTyped(query: string, text: string): string {
  const chosen = [termOf(query, OWNERS), termOf(query, STATUSES)].filter(Boolean);
  return [...chosen, ...text.split(/\s+/).filter((term) => term && !chosen.includes(term))].join(" ");
}

/** The list's filter: two selects for common terms, and a text field for the rest. */
export function WorkspaceFilter({ query, onChange }: { query: string; onChange(query: string): void }) {
  const typed = typedOf(query);
  const [text, setText] = useState(typed);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(typed), [typed]);
  useEffect(() => {
    if (text.trim() === typed) return;
    const timer = setTimeout(() => onChange(withTyped(query, text)), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, typed, query, onChange]);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const typing =
        event.target instanceof HTMLElement && event.target.closest("input, textarea, [role=dialog]");
      if (event.key !== "/" || typing || event.metaKey || event.ctrlKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, []);
  return (
    <div className="flex flex-wrap gap-2">
      <div className="relative min-w-0 flex-1 basis-60">
        <Search aria-hidden className="-translate-y-1/2 absolute top-1/2 left-3 size-4 text-faint" />
        <Input
          ref={input}
          type="search"
          aria-label="Search workspaces"
          placeholder="Search by name, or use owner:ana, template:docker"
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="pr-8 pl-9 [&::-webkit-search-cancel-button]:hidden"
        />
        {text && (
          <button
            type="button"
            aria-label="Clear search"
            onClick={() => onChange(withTyped(query, ""))}
            className="-translate-y-1/2 absolute top-1/2 right-2 rounded p-1 text-faint hover:text-ink"
          >
            <X className="size-4" aria-hidden />
          </button>
        )}
      </div>
      <Select
        label="Owner"
        className="w-40!"
        value={termOf(query, OWNERS)}
        options={OWNERS}
        onChange={(term) => onChange(replaceTerm(query, OWNERS, term))}
      />
      <Select
        label="Status"
        className="w-40!"
        value={termOf(query, STATUSES)}
        options={STATUSES}
        onChange={(term) => onChange(replaceTerm(query, STATUSES, term))}
      />
    </div>
  );
}
