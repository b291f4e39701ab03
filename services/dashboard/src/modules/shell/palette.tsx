import { useQuery, useQueryClient } from "@tanstack/react-query";
import clsx from "clsx";
import { Dialog } from "radix-ui";
import { type KeyboardEvent, useDeferredValue, useState } from "react";
import { useNavigate } from "react-router";
import { markAllRead } from "../../api/inbox.js";
import { templatesQuery } from "../../api/templates.js";
import { workspacesQuery } from "../../api/workspaces.js";
import { workspacePath } from "../../paths.js";
import { usePermissions, useSignOut, useUser } from "../session/session.js";
import { setTheme } from "../theme/theme.js";
import { useToasts } from "../ui/toast.js";
import { ACCOUNT, ACTIVITY, ADMIN, visibleGroups } from "./areas.js";

/** Something that can be chosen: a page, a thing that was found, or an act. */
type Command = { group: string; label: string; about?: string; run(): unknown };

const MOST_FOUND = 6;

/** Goes anywhere, finds workspaces and templates, and acts; opened by ⌘K. */
export function Palette({ onClose, onShortcuts }: { onClose(): void; onShortcuts(): void }) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const commands = useCommands(text, onShortcuts);
  const current = Math.min(active, commands.length - 1);
  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setActive((current + 1) % Math.max(1, commands.length));
    else if (event.key === "ArrowUp")
      setActive((current - 1 + commands.length) % Math.max(1, commands.length));
    else if (event.key === "Enter") run(commands[current]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-[rgb(10_12_18/0.45)]" />
        <Dialog.Content
          aria-describedby={undefined}
          className="-translate-x-1/2 fixed top-[12vh] left-1/2 z-40 flex max-h-[70vh] w-[min(36rem,calc(100vw-1.5rem))] flex-col overflow-hidden rounded-xl border border-line bg-raised shadow-float outline-none"
        >
          <Dialog.Title className="sr-only">Search and commands</Dialog.Title>
          <input
            // biome-ignore lint/a11y/noAutofocus: the palette is opened to type into it
            autoFocus
            role="combobox"
            aria-label="Search pages, workspaces, templates and commands"
            aria-expanded={commands.length > 0}
            aria-controls="palette-list"
            aria-activedescendant={commands.length > 0 ? `palette-${current}` : undefined}
            autoComplete="off"
            spellCheck={false}
            placeholder="Search or run a command"
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setActive(0);
            }}
            onKeyDown={onKeyDown}
            className="h-12 shrink-0 border-line border-b bg-transparent px-4 text-lg outline-none placeholder:text-faint"
          />
          <Results commands={commands} current={current} onRun={run} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Results(props: { commands: Command[]; current: number; onRun(command: Command): void }) {
  const { commands, current, onRun } = props;
  if (commands.length === 0)
    return (
      <p role="status" className="px-4 py-6 text-center text-muted">
        Nothing found
      </p>
    );
  return (
    <div id="palette-list" role="listbox" aria-label="Results" className="overflow-y-auto p-1.5">
      {commands.map((command, index) => (
        <div key={`${command.group} ${command.label} ${command.about ?? ""}`} role="presentation">
          {command.group !== commands[index - 1]?.group && (
            <p role="presentation" className="px-2.5 pt-2 pb-1 text-faint text-xs">
              {command.group}
            </p>
          )}
          <div
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === current}
            ref={index === current ? (option) => option?.scrollIntoView({ block: "nearest" }) : undefined}
            onPointerDown={(event) => {
              event.preventDefault();
              onRun(command);
            }}
            className={clsx(
              "flex cursor-pointer items-baseline gap-3 rounded-md px-2.5 py-1.5",
              index === current ? "bg-hover" : "hover:bg-hover",
            )}
          >
            <span className="truncate">{command.label}</span>
            {command.about && <span className="truncate text-muted text-sm">{command.about}</span>}
          </div>
        </div>
      ))}
    </div>
  );
}

function useCommands(text: string, onShortcuts: () => void): Command[] {
  const words = useDeferredValue(text.trim().toLowerCase());
  const found = useFound(words);
  const pages = usePages();
  const acts = useActs(onShortcuts);
  const matches = ({ label, about = "" }: Command) =>
    words.split(/\s+/).every((word) => `${label} ${about}`.toLowerCase().includes(word));
  return [...found, ...[...pages, ...acts].filter(matches)];
}

/** Workspaces and templates; without a text, the user's own workspaces. */
function useFound(words: string): Command[] {
  const go = useNavigate();
  const user = useUser();
  const workspaces = useQuery({
    ...workspacesQuery({ q: words || "owner:me", limit: MOST_FOUND }),
    retry: false,
  });
  const templates = useQuery(templatesQuery);
  return [
    ...(workspaces.data?.workspaces ?? []).map((workspace) => ({
      group: "Workspaces",
      label: workspace.name,
      about: workspace.owner_id === user.id ? workspace.template_name : workspace.owner_name,
      run: () => go(workspacePath(workspace)),
    })),
    ...(templates.data ?? [])
      .filter(({ name, display_name }) => words && `${name} ${display_name}`.toLowerCase().includes(words))
      .slice(0, MOST_FOUND)
      .flatMap(({ name, display_name }) => [
        { group: "Templates", label: display_name || name, about: name, run: () => go(`/templates/${name}`) },
        {
          group: "Templates",
          label: `New workspace from ${display_name || name}`,
          run: () => go(`/templates/${name}/workspace`),
        },
      ]),
  ];
}

function usePages(): Command[] {
  const go = useNavigate();
  const permissions = usePermissions();
  const pages = [
    { to: "/workspaces", label: "Workspaces", area: "" },
    { to: "/templates", label: "Templates", area: "" },
    ...[ACTIVITY, ADMIN, ACCOUNT].flatMap((area) =>
      visibleGroups(area, permissions).flatMap(({ links }) =>
        links.map((link) => ({ ...link, area: area.label })),
      ),
    ),
  ];
  return pages.map(({ to, label, area }) => ({ group: "Go to", label, about: area, run: () => go(to) }));
}

function useActs(onShortcuts: () => void): Command[] {
  const go = useNavigate();
  const permissions = usePermissions();
  const signOut = useSignOut();
  const toasts = useToasts();
  const queries = useQueryClient();
  const act = (label: string, run: () => unknown): Command => ({ group: "Commands", label, run });
  const readAll = () =>
    markAllRead(queries).then(
      () => toasts.done("All notifications marked as read."),
      (error) => toasts.failed(error),
    );
  return [
    act("New workspace", () => go("/templates")),
    ...(permissions.updateTemplates ? [act("New template", () => go("/templates/new"))] : []),
    act("Mark all notifications as read", readAll),
    act("Light theme", () => setTheme("light")),
    act("Dark theme", () => setTheme("dark")),
    act("System theme", () => setTheme("system")),
    act("Keyboard shortcuts", onShortcuts),
    act("Sign out", () => void signOut()),
  ];
}
