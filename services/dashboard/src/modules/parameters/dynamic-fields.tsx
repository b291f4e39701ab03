import type { FormField, RichParameter } from "@fleet/sdk";
import { sentenceOf } from "@fleet/sdk/browser";
import { useEffect, useState } from "react";
import { Notice, RetryButton } from "../ui/notice.js";
import { Skeleton } from "../ui/page.js";
import { Reconnecting } from "../ui/reconnecting.js";
import type { DynamicForm } from "./dynamic-form.js";
import { ParameterFields } from "./fields.js";

/** Shorter evaluations are not announced. */
const NOTICED_MS = 600;

/** The fields of a dynamic form, with the state of its evaluation and what the template says as a whole. */
export function DynamicFields(props: {
  form: DynamicForm;
  parameters?: readonly FormField[];
  isFixed?(parameter: RichParameter): boolean;
}) {
  const { form, ...fields } = props;
  if (form.connection === "ended" && !form.isLoaded)
    return <Notice tone="bad" title="The template's parameters could not be loaded." />;
  return (
    <div className="flex flex-col gap-5">
      <Reconnecting state={form.connection} />
      {form.diagnostics.map((diagnostic) => (
        <Notice
          key={`${diagnostic.severity} ${sentenceOf(diagnostic)}`}
          tone={diagnostic.severity === "error" ? "bad" : "warn"}
          title={diagnostic.summary}
          action={diagnostic.severity === "error" && <RetryButton onRetry={form.retry} />}
        >
          {diagnostic.detail && diagnostic.detail !== diagnostic.summary && (
            <span className="whitespace-pre-wrap">{diagnostic.detail}</span>
          )}
        </Notice>
      ))}
      {form.isLoaded ? <ParameterFields form={form} {...fields} /> : <Skeleton className="h-24 w-full" />}
      <Evaluating isEvaluating={form.isEvaluating} />
    </div>
  );
}

/** Says that the form is being evaluated, if that takes a moment. */
function Evaluating({ isEvaluating }: { isEvaluating: boolean }) {
  const [noticed, setNoticed] = useState(false);
  useEffect(() => {
    setNoticed(false);
    if (!isEvaluating) return;
    const timer = setTimeout(() => setNoticed(true), NOTICED_MS);
    return () => clearTimeout(timer);
  }, [isEvaluating]);
  return (
    <p role="status" className={noticed ? "text-muted text-xs" : "sr-only"}>
      {noticed && "Updating the parameters…"}
    </p>
  );
}
