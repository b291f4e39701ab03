import clsx from "clsx";
import { CircleAlert, CircleCheck, X } from "lucide-react";
import { Toast } from "radix-ui";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { readError } from "../../api/errors.js";

type Message = { id: number; tone: "ok" | "bad"; title: string; detail: string | undefined };

export type Toasts = {
  /** Shows a success message. */
  done(title: string): void;
  /** Shows an error, under this title if there is one. */
  failed(error: unknown, title?: string): void;
};

const ToastContext = createContext<Toasts | undefined>(undefined);

/** Maximum number of toasts; the oldest is removed. */
const SHOWN = 4;
const DONE_MS = 4_000;
const FAILED_MS = 12_000;

export function ToastProvider({ children }: { children: ReactNode }) {
  const [messages, setMessages] = useState<Message[]>([]);
  const add = useCallback((tone: Message["tone"], title: string, detail?: string) => {
    setMessages((before) => [
      ...before.slice(1 - SHOWN),
      { id: (before.at(-1)?.id ?? 0) + 1, tone, title, detail },
    ]);
  }, []);
  const toasts = useMemo<Toasts>(
    () => ({
      done: (title) => add("ok", title),
      failed: (error, title) => {
        const { message, detail, fields } = readError(error);
        if (title) add("bad", title, error instanceof Error ? error.message : message);
        else add("bad", message, detail ?? Object.values(fields)[0]);
      },
    }),
    [add],
  );
  const remove = (id: number) => setMessages((before) => before.filter((message) => message.id !== id));
  return (
    <ToastContext value={toasts}>
      <Toast.Provider label="Notification">
        {children}
        {messages.map(({ id, tone, title, detail }) => (
          <Toast.Root
            key={id}
            duration={tone === "ok" ? DONE_MS : FAILED_MS}
            onOpenChange={(open) => open || remove(id)}
            className="flex animate-appear items-start gap-2.5 rounded-lg border border-line bg-raised px-3.5 py-2.5 shadow-float"
          >
            {tone === "ok" ? (
              <CircleCheck className="mt-0.5 size-4 shrink-0 text-ok" aria-hidden />
            ) : (
              <CircleAlert className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden />
            )}
            <div className="min-w-0 flex-1">
              <Toast.Title className={clsx("[overflow-wrap:anywhere]", detail && "font-medium")}>
                {title}
              </Toast.Title>
              {detail && (
                <Toast.Description className="text-muted text-sm [overflow-wrap:anywhere]">
                  {detail}
                </Toast.Description>
              )}
            </div>
            <Toast.Close aria-label="Dismiss" className="-mr-1 rounded p-0.5 text-faint hover:text-ink">
              <X className="size-4" aria-hidden />
            </Toast.Close>
          </Toast.Root>
        ))}
        <Toast.Viewport className="fixed right-4 bottom-4 z-50 flex w-[min(24rem,calc(100vw-2rem))] flex-col gap-2 outline-none" />
      </Toast.Provider>
    </ToastContext>
  );
}

export function useToasts(): Toasts {
  const toasts = useContext(ToastContext);
  if (!toasts) throw new Error("useToasts needs a ToastProvider around it.");
  return toasts;
}

/** Runs a button's action and shows failures as a toast. */
export function useAct(): (act: () => Promise<unknown>, done?: string) => void {
  const toasts = useToasts();
  return (act, done) => {
    act().then(
      () => done && toasts.done(done),
      (error) => toasts.failed(error),
    );
  };
}
