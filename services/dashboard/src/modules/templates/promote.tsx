import type { Template, TemplateVersion } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "../../api/client.js";
import { RadioCards } from "../ui/choice.js";
import { Field, Input, Textarea } from "../ui/field.js";
import { FormDialog, useForm } from "../ui/form.js";
import { useToasts } from "../ui/toast.js";

const MINUTE_MS = 60_000;

/** Percentages in ascending order, such as "10, 50, 100"; undefined if it is anything else. */
export function parseSteps(text: string): number[] | undefined {
  const steps = text
    .split(/[\s,%]+/)
    .filter(Boolean)
    .map(Number);
  const fits = steps.every(
    (step, index) => Number.isInteger(step) && step >= 1 && step <= 100 && step > (steps[index - 1] ?? 0),
  );
  return steps.length > 0 && fits ? steps : undefined;
}

/** Makes a version active: at once, or step by step in a rollout. */
export function PromoteVersion(props: { template: Template; version: TemplateVersion; onClose(): void }) {
  const { template, version, onClose } = props;
  const queries = useQueryClient();
  const toasts = useToasts();
  const [gradual, setGradual] = useState(false);
  const form = useForm({
    check: (values) => ({
      steps:
        gradual && !parseSteps(values("steps"))
          ? "Enter percentages in ascending order, such as 10, 50, 100."
          : undefined,
    }),
    async submit(values) {
      if (values("message") !== version.message)
        await client.templateVersionUpdate({
          params: { version: version.id },
          body: { message: values("message") },
        });
      const params = { template: template.id };
      if (gradual)
        await client.rolloutCreate({
          params,
          body: {
            template_version_id: version.id,
            steps: parseSteps(values("steps")) ?? [],
            pause_ms: Number(values("pause_ms")) * MINUTE_MS,
            max_failure_percent: Number(values("max_failure_percent")),
          },
        });
      else await client.templateVersionPromote({ params, body: { id: version.id } });
      await Promise.all(
        [
          ["template", template.name],
          ["versions", template.id],
          ["rollouts", template.id],
        ].map((queryKey) => queries.invalidateQueries({ queryKey })),
      );
      toasts.done(gradual ? `Rollout of ${version.name} started.` : `Version ${version.name} is active.`);
      onClose();
    },
  });
  return (
    <FormDialog
      form={form}
      onClose={onClose}
      title={`Activate ${version.name}`}
      action={gradual ? "Start rollout" : "Activate version"}
    >
      <RadioCards
        label="How"
        value={gradual ? "gradual" : "all"}
        options={[
          {
            value: "all",
            label: "For all workspaces",
            description: "New ones use it; existing ones are offered an update.",
          },
          {
            value: "gradual",
            label: "Step by step",
            description: "For a growing share, and withdrawn if builds fail.",
          },
        ]}
        onChange={(value) => setGradual(value === "gradual")}
      />
      {gradual && (
        <>
          <Field name="steps" label="Steps" description="Percent of the workspaces.">
            <Input defaultValue="10, 50, 100" autoComplete="off" />
          </Field>
          <div className="grid grid-cols-2 gap-4">
            <Field name="pause_ms" label="Minutes a step">
              <Input type="number" required min={0} max={43_200} defaultValue={30} />
            </Field>
            <Field name="max_failure_percent" label="Stop above % failed">
              <Input type="number" required min={0} max={100} defaultValue={20} />
            </Field>
          </div>
        </>
      )}
      <Field name="message" label="Message" optional description="What the version changes. Markdown.">
        <Textarea defaultValue={version.message} rows={3} />
      </Field>
    </FormDialog>
  );
}
