import clsx from "clsx";
import { CircleAlert, Info, RotateCw, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { isUnanswered, readError } from "../../api/errors.js";
import { Button } from "./button.js";

type Tone = "info" | "warn" | "bad";
const TONES: Record<Tone, string> = {
  info: "border-line bg-sunken text-muted",
  warn: "border-warn/30 bg-warn-soft text-warn",
  bad: "border-bad/30 bg-bad-soft text-bad",
};
const ICONS = { info: Info, warn: TriangleAlert, bad: CircleAlert };

/** A message box on the page. */
export function Notice(props: { tone?: Tone; title?: ReactNode; children?: ReactNode; action?: ReactNode }) {
  const tone = props.tone ?? "info";
  const Icon = ICONS[tone];
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className={clsx(
        "flex flex-wrap items-start gap-x-3 gap-y-2 rounded-lg border px-3.5 py-2.5",
        TONES[tone],
      )}
    >
      <Icon className="mt-0.75 size-4 shrink-0" aria-hidden />
      <div className="min-w-0 flex-1 basis-56">
        {props.title && <p className="font-medium">{props.title}</p>}
        {props.children && (
          <div className={clsx("text-sm [overflow-wrap:anywhere]", props.title && "text-ink/80")}>
            {props.children}
          </div>
        )}
      </div>
      {props.action}
    </div>
  );
}

/**
 * An error with advice and a retry button. Field errors are shown at their fields; here they appear without wire names,
 * and only if they say more than the message.
 */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  // The page's banner reports the lost server; this only says what that means for this part.
  if (onRetry && isUnanswered(error)) {
    return (
      <Notice title="This could not be loaded" action={<RetryButton onRetry={onRetry} />}>
        It loads automatically when the server can be reached.
      </Notice>
    );
  }
  const { message, detail, fields } = readError(error);
  const sentences = [...new Set(Object.values(fields))].filter((sentence) => sentence !== message);
  return (
    <Notice tone="bad" title={message} action={onRetry && <RetryButton onRetry={onRetry} />}>
      {(detail || sentences.length > 0) && (
        <>
          {detail && <p className="whitespace-pre-wrap font-mono text-xs">{detail}</p>}
          {sentences.map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
        </>
      )}
    </Notice>
  );
}

export function RetryButton({ onRetry, label = "Try again" }: { onRetry: () => void; label?: string }) {
  return (
    <Button size="sm" icon={<RotateCw aria-hidden />} onClick={onRetry}>
      {label}
    </Button>
  );
}
