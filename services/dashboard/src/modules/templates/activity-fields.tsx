import type { ActivityKind, Template, UpdateTemplateRequest, WakeTrigger } from "@fleet/sdk";
import { useState } from "react";
import { Checkbox } from "../ui/choice.js";
import { SwitchSetting } from "../ui/choice-setting.js";
import { DurationInput, durationOf } from "../ui/duration-input.js";
import { Field, Input } from "../ui/field.js";
import type { FormValues } from "../ui/form-context.js";
import { FormSection } from "../ui/form-section.js";

const KINDS: [ActivityKind, string, string][] = [
  ["sessions", "Sessions", "SSH, editors and web terminals"],
  ["apps", "Apps", "Requests to the workspace's apps"],
  ["processes", "Processes", "Programs that use the CPU"],
  ["holds", "Holds", "What users declare with coder activity hold"],
];
const TRIGGERS: [WakeTrigger, string, string][] = [
  ["ssh", "SSH", "By the command line or an editor"],
  ["apps", "Apps", "Requests to the workspace's apps"],
];

const toggled = <T,>(all: readonly T[], chosen: readonly T[], value: T, on: boolean) =>
  all.filter((one) => (one === value ? on : chosen.includes(one)));

/** What counts as activity, and what wakes a stopped workspace. */
export function useActivitySettings(template: Template) {
  const [kinds, setKinds] = useState<readonly ActivityKind[]>(template.activity_kinds ?? []);
  const [wakeOn, setWakeOn] = useState<readonly WakeTrigger[]>(template.wake_on ?? []);
  const [needsInput, setNeedsInput] = useState(template.activity_requires_input ?? false);
  const [checksWork, setChecksWork] = useState(template.check_unpushed_work ?? false);
  return {
    kinds,
    setKinds,
    wakeOn,
    setWakeOn,
    needsInput,
    setNeedsInput,
    checksWork,
    setChecksWork,
    /** What is sent of it. */
    body: (values: FormValues): UpdateTemplateRequest => ({
      activity_kinds: [...kinds],
      activity_requires_input: needsInput,
      ...(kinds.includes("processes")
        ? { activity_cpu_percent: Number(values("activity_cpu_percent")) }
        : {}),
      ...(kinds.includes("holds")
        ? { activity_max_hold_ms: durationOf(values("activity_max_hold_ms"), "hours") }
        : {}),
      wake_on: [...wakeOn],
      check_unpushed_work: checksWork,
    }),
  };
}

export function ActivityFields(props: {
  template: Template;
  settings: ReturnType<typeof useActivitySettings>;
}) {
  const { template, settings } = props;
  const { kinds, setKinds, wakeOn, setWakeOn } = settings;
  return (
    <FormSection title="Activity" lead="What keeps a workspace running, and what starts it again.">
      <Field name="activity_kinds" label="Counts as activity" group>
        {KINDS.map(([kind, label, about]) => (
          <Checkbox
            key={kind}
            checked={kinds.includes(kind)}
            onChange={(on) =>
              setKinds(
                toggled(
                  KINDS.map(([one]) => one),
                  kinds,
                  kind,
                  on,
                ),
              )
            }
          >
            {label} <span className="text-muted text-sm">{about}</span>
          </Checkbox>
        ))}
      </Field>
      {(kinds.includes("sessions") || kinds.includes("apps")) && (
        <SwitchSetting
          checked={settings.needsInput}
          onChange={settings.setNeedsInput}
          title="Only while their users send something"
        >
          A connection that is merely open does not count.
        </SwitchSetting>
      )}
      {kinds.includes("processes") && (
        <Field
          name="activity_cpu_percent"
          label="Processes count from"
          description="CPU usage in percent of one core."
        >
          <Input
            type="number"
            required
            min={1}
            max={6400}
            defaultValue={template.activity_cpu_percent}
            className="w-28!"
          />
        </Field>
      )}
      {kinds.includes("holds") && (
        <Field name="activity_max_hold_ms" label="Longest hold">
          <DurationInput unit="hours" defaultMs={template.activity_max_hold_ms ?? 0} none="No holds" />
        </Field>
      )}
      <Field name="wake_on" label="Starts a stopped workspace" group>
        {TRIGGERS.map(([trigger, label, about]) => (
          <Checkbox
            key={trigger}
            checked={wakeOn.includes(trigger)}
            onChange={(on) =>
              setWakeOn(
                toggled(
                  TRIGGERS.map(([one]) => one),
                  wakeOn,
                  trigger,
                  on,
                ),
              )
            }
          >
            {label} <span className="text-muted text-sm">{about}</span>
          </Checkbox>
        ))}
      </Field>
      <SwitchSetting
        checked={settings.checksWork}
        onChange={settings.setChecksWork}
        title="Look for unpushed work"
      >
        Agents look for uncommitted and unpushed work in git repositories, so that a stop or deletion can
        warn.
      </SwitchSetting>
    </FormSection>
  );
}
