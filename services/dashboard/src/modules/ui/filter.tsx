import { useQuery } from "@tanstack/react-query";
import clsx from "clsx";
import { Search, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { readError } from "../../api/errors.js";
import { CONTROL } from "./field.js";
import { formatTerms, parseTerms, type Term } from "./terms.js";

/** A key of a list's search, and which values it has. */
export type FilterKey = {
  key: string;
  /** Says what the key filters by, in a few words. */
  about: string;
  /** The values, or those that begin with what is typed; keys such as names may have none to suggest. */
  values?: readonly string[] | ((typed: string, signal: AbortSignal) => Promise<readonly string[]>);
};

type Suggestion = { text: string; about?: string; whole: boolean };

/** Typing pauses for this long before the list is searched. */
const TYPING_MS = 300;
const MOST_SUGGESTIONS = 8;

/**
 * The search of a list: terms such as `status:running` are chips, bare words stay text. The value is the query as the server
 * parses it. A key or value that the server refuses is told here, below the field.
 */
export function Filter(props: {
  label: string;
  placeholder?: string;
  query: string;
  onChange(query: string): void;
  keys: readonly FilterKey[];
  /** The list's error: what it says of the search (`q`) is shown here. */
  error?: unknown;
}) {
  const { label, placeholder, query, onChange, keys, error } = props;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const known = (term: Term) => term.key !== "";
  const terms = parseTerms(query);
  const chips = terms.filter(known);
  const words = formatTerms(terms.filter((term) => !known(term)));
  const [text, setText] = useState(words);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const suggestions = useSuggestions(text, keys, open);
  const fault = faultOfSearch(error);
  useEffect(() => setText(words), [words]);

  const apply = (typed: string, kept: readonly Term[] = chips) => {
    const next = formatTerms([...kept, ...parseTerms(typed)]);
    setActive(-1);
    setText(formatTerms(parseTerms(typed).filter((term) => !known(term))));
    if (next !== query) onChange(next);
  };
  useEffect(() => {
    // A term is applied when it is complete, bare words while they are typed.
    if (text.trim() === words || text.includes(":") || text.includes('"')) return;
    const timer = setTimeout(() => apply(text), TYPING_MS);
    return () => clearTimeout(timer);
  });
  useSlashKey(input);

  const choose = ({ text: chosen, whole }: Suggestion) => {
    const before = text.replace(/\S*$/, "");
    if (whole) apply(`${before}${chosen}`);
    else setText(`${before}${chosen}`);
    setActive(-1);
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const shown = open ? suggestions.length : 0;
    if (event.key === "ArrowDown" && shown > 0) setActive((active + 1) % shown);
    else if (event.key === "ArrowUp" && shown > 0) setActive((active + shown) % (shown + 1) || -1);
    else if (event.key === "Enter") {
      if (open && suggestions[active]) choose(suggestions[active]);
      else apply(text);
    } else if (event.key === "Escape" && open) setOpen(false);
    else if (event.key === "Backspace" && text === "" && chips.length > 0) apply("", chips.slice(0, -1));
    else return;
    if (event.key !== "Backspace") event.preventDefault();
  };

  return (
    <div className="relative min-w-0 flex-1 basis-60">
      <div
        className={clsx(
          CONTROL,
          "flex min-h-8 flex-wrap items-center gap-1 py-0.5 pr-8 pl-8 focus-within:outline-2 focus-within:outline-accent",
        )}
      >
        <Search aria-hidden className="absolute top-2 left-2.5 size-4 text-faint" />
        {chips.map((chip, index) => (
          <Chip
            key={`${chip.key}:${chip.value}`}
            term={chip}
            onRemove={() =>
              apply(
                text,
                chips.filter((_, other) => other !== index),
              )
            }
          />
        ))}
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-label={label}
          aria-expanded={open && suggestions.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={open && active >= 0 ? `${id}-${active}` : undefined}
          aria-invalid={fault ? true : undefined}
          aria-describedby={fault ? `${id}-fault` : undefined}
          autoComplete="off"
          spellCheck={false}
          placeholder={chips.length === 0 ? placeholder : undefined}
          value={text}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onChange={(event) => {
            setOpen(true);
            setActive(-1);
            const typed = event.target.value;
            // A space ends a term.
            if (/\S+:(?:"[^"]*"|[^\s"]+)\s$/.test(typed)) apply(typed);
            else setText(typed);
          }}
          onKeyDown={onKeyDown}
          className="h-6.5 min-w-24 flex-1 bg-transparent outline-none placeholder:text-faint"
        />
        {(text || chips.length > 0) && (
          <button
            type="button"
            aria-label="Clear search"
            onClick={() => apply("", [])}
            className="absolute top-1.5 right-1.5 rounded p-1 text-faint hover:text-ink"
          >
            <X className="size-3.5" aria-hidden />
          </button>
        )}
      </div>
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label={`Suggestions for ${label.toLowerCase()}`}
        hidden={!open || suggestions.length === 0}
        className="absolute top-full z-30 mt-1 w-full max-w-md rounded-lg border border-line bg-raised p-1 shadow-float"
      >
        {suggestions.map((suggestion, index) => (
          <div
            key={suggestion.text}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            // Before the field loses the focus.
            onPointerDown={(event) => {
              event.preventDefault();
              choose(suggestion);
            }}
            className={clsx(
              "flex cursor-pointer items-baseline gap-3 rounded-md px-2 py-1",
              index === active ? "bg-hover" : "hover:bg-hover",
            )}
          >
            <span className="font-mono text-sm">{suggestion.text}</span>
            <span className="truncate text-muted text-sm">{suggestion.about}</span>
          </div>
        ))}
      </div>
      {fault && (
        <p id={`${id}-fault`} role="alert" className="mt-1 text-bad text-sm">
          {fault}
        </p>
      )}
    </div>
  );
}

/** What an error says about the search; undefined if it is about something else. Lists show the others. */
export function faultOfSearch(error: unknown): string | undefined {
  return error ? readError(error).fields.q : undefined;
}

function Chip({ term, onRemove }: { term: Term; onRemove(): void }) {
  const { key, value } = term;
  return (
    <span className="flex h-6 max-w-full items-center gap-1 rounded bg-sunken pl-1.5 font-mono text-xs">
      <span className="truncate">
        <span className="text-muted">{key}:</span>
        {value}
      </span>
      <button
        type="button"
        aria-label={`Remove ${key}:${value}`}
        onClick={onRemove}
        className="rounded p-1 text-faint hover:text-ink"
      >
        <X className="size-3" aria-hidden />
      </button>
    </span>
  );
}

/** Suggestions for the last term of the text: keys, and then a key's values. */
function useSuggestions(text: string, keys: readonly FilterKey[], open: boolean): Suggestion[] {
  const last = /\S*$/.exec(text)![0];
  const colon = last.indexOf(":");
  const key = colon < 0 ? undefined : keys.find((one) => one.key === last.slice(0, colon).toLowerCase());
  const typed = last.slice(colon + 1).toLowerCase();
  const load = typeof key?.values === "function" ? key.values : undefined;
  const loaded = useQuery({
    queryKey: ["suggestions", key?.key, typed],
    queryFn: ({ signal }) => load!(typed, signal),
    enabled: open && load !== undefined,
    staleTime: 60_000,
    retry: false,
  });
  if (colon < 0) {
    return keys
      .filter((one) => one.key.startsWith(typed))
      .slice(0, typed === "" ? keys.length : MOST_SUGGESTIONS)
      .map((one) => ({ text: `${one.key}:`, about: one.about, whole: false }));
  }
  const values = load ? (loaded.data ?? []) : ((key?.values as readonly string[] | undefined) ?? []);
  return values
    .filter((value) => value.toLowerCase().includes(typed))
    .slice(0, MOST_SUGGESTIONS)
    .map((value) => ({ text: formatTerms([{ key: key!.key, value }]), whole: true }));
}

/** `/` puts the focus into the field. */
function useSlashKey(input: { current: HTMLInputElement | null }) {
  useEffect(() => {
    const focus = (event: globalThis.KeyboardEvent) => {
      const typing =
        event.target instanceof HTMLElement && event.target.closest("input, textarea, [role=dialog]");
      if (event.key !== "/" || typing || event.metaKey || event.ctrlKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, [input]);
}
