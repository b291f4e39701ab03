import { useState } from "react";
import { ActivityFields, useActivitySettings } from "../modules/templates/activity-fields.js";
import { SaveBar, useSaveTemplate, useTemplate } from "../modules/templates/form.js";
import { SwitchSetting } from "../modules/ui/choice-setting.js";
import { DayPicker } from "../modules/ui/day-picker.js";
import { DurationInput, durationOf } from "../modules/ui/duration-input.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, useForm } from "../modules/ui/form.js";
import { FormSection } from "../modules/ui/form-section.js";
import { useTitle } from "../modules/ui/page.js";

/** As the server names them; Sunday is 0. */
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const daysOf = (names: readonly string[]) => names.map((name) => WEEKDAYS.indexOf(name)).sort();
const namesOf = (days: readonly number[]) => days.map((day) => WEEKDAYS[day]!);
const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];

/** `/templates/:template/settings/schedule`: when its workspaces start, stop and are deleted. */
export function TemplateSchedulePage() {
  const template = useTemplate();
  useTitle(`${template.display_name || template.name} schedule`);
  const save = useSaveTemplate(template);
  const [autostart, setAutostart] = useState(template.allow_user_autostart);
  const [autostop, setAutostop] = useState(template.allow_user_autostop);
  const given = daysOf(template.autostart_requirement.days_of_week);
  const [startDays, setStartDays] = useState(given.length > 0 ? given : EVERY_DAY);
  const [stopDays, setStopDays] = useState(daysOf(template.autostop_requirement.days_of_week));
  const [touchUsed, setTouchUsed] = useState(false);
  const [touchDormant, setTouchDormant] = useState(false);
  const activity = useActivitySettings(template);
  const form = useForm({
    check: () => ({
      autostart_requirement:
        autostart && startDays.length === 0 ? "Choose at least one day, or turn autostart off." : undefined,
    }),
    submit: (values) =>
      save({
        default_ttl_ms: durationOf(values("default_ttl_ms"), "hours"),
        activity_bump_ms: durationOf(values("activity_bump_ms"), "hours"),
        allow_user_autostop: autostop,
        allow_user_autostart: autostart,
        autostart_requirement: { days_of_week: namesOf(startDays) },
        autostop_requirement: {
          days_of_week: namesOf(stopDays),
          weeks: Number(values("weeks")) || template.autostop_requirement.weeks,
        },
        failure_ttl_ms: durationOf(values("failure_ttl_ms"), "hours"),
        time_til_dormant_ms: durationOf(values("time_til_dormant_ms"), "days"),
        time_til_dormant_autodelete_ms: durationOf(values("time_til_dormant_autodelete_ms"), "days"),
        update_workspace_last_used_at: touchUsed,
        update_workspace_dormant_at: touchDormant,
        ...activity.body(values),
      }),
  });
  return (
    <Form form={form} className="flex max-w-2xl flex-col gap-8">
      <FormSection title="Autostop" lead="Stops workspaces that nobody uses, to save money.">
        <Field
          name="default_ttl_ms"
          label="Stop after"
          description="Counted from the start. New workspaces begin with this value."
        >
          <DurationInput unit="hours" defaultMs={template.default_ttl_ms} none="Never" />
        </Field>
        <Field
          name="activity_bump_ms"
          label="Extend on activity by"
          description="Activity within a workspace moves its deadline at least this far away."
        >
          <DurationInput unit="hours" defaultMs={template.activity_bump_ms} none="Not at all" />
        </Field>
        <SwitchSetting checked={autostop} onChange={setAutostop} title="Allow users to change autostop" />
        <Field
          name="autostop_requirement"
          label="Required stops"
          group
          description="Workspaces stop on these days, within the user's quiet hours, even if they are in use."
        >
          <DayPicker
            days={stopDays}
            onChange={(days) => {
              form.changed("autostop_requirement");
              setStopDays(days);
            }}
          />
        </Field>
        {stopDays.length > 0 && (
          <Field name="weeks" label="Every how many weeks">
            <Input
              type="number"
              required
              min={1}
              max={16}
              defaultValue={Math.max(1, template.autostop_requirement.weeks)}
              className="w-28!"
            />
          </Field>
        )}
      </FormSection>
      <ActivityFields template={template} settings={activity} />
      <FormSection title="Autostart">
        <SwitchSetting checked={autostart} onChange={setAutostart} title="Allow users to set autostart" />
        <Field name="autostart_requirement" label="Allowed days" group>
          <DayPicker
            days={startDays}
            disabled={!autostart}
            onChange={(days) => {
              form.changed("autostart_requirement");
              setStartDays(days);
            }}
          />
        </Field>
      </FormSection>
      <FormSection
        title="Cleanup"
        lead="Dormant workspaces are stopped, and cannot be started until their owner activates them."
      >
        <Field name="failure_ttl_ms" label="Stop failed workspaces after">
          <DurationInput unit="hours" defaultMs={template.failure_ttl_ms} none="Never" />
        </Field>
        <Field name="time_til_dormant_ms" label="Dormant when unused for">
          <DurationInput unit="days" defaultMs={template.time_til_dormant_ms} none="Never" />
        </Field>
        <SwitchSetting
          checked={touchUsed}
          onChange={setTouchUsed}
          title="Count from now for existing workspaces"
        >
          Otherwise workspaces that have been unused for this long become dormant at once.
        </SwitchSetting>
        <Field
          name="time_til_dormant_autodelete_ms"
          label="Delete when dormant for"
          description="The workspace is deleted with its data."
        >
          <DurationInput unit="days" defaultMs={template.time_til_dormant_autodelete_ms} none="Never" />
        </Field>
        <SwitchSetting
          checked={touchDormant}
          onChange={setTouchDormant}
          title="Count from now for dormant workspaces"
        >
          Otherwise workspaces that have been dormant for this long are deleted at once.
        </SwitchSetting>
      </FormSection>
      <SaveBar form={form} />
    </Form>
  );
}
