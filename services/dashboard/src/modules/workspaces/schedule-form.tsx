import type { Template, Workspace } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "../../api/client.js";
import { templateQuery } from "../../api/templates.js";
import { Switch } from "../ui/choice.js";
import { DayPicker } from "../ui/day-picker.js";
import { Field, Input } from "../ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../ui/form.js";
import { Notice } from "../ui/notice.js";
import { Section } from "../ui/page.js";
import { Select } from "../ui/select.js";
import { useToasts } from "../ui/toast.js";
import { useWorkspaceActions } from "./actions.js";
import { formatSchedule, parseSchedule, type Schedule } from "./schedule.js";

const HOUR_MS = 3_600_000;
const TIME_ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone")].map((zone) => ({
  value: zone,
  label: zone,
}));

function defaultSchedule(): Schedule {
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  return { hour: 9, minute: 0, days: [1, 2, 3, 4, 5], timeZone };
}

/** Form for the autostart schedule and the autostop time. */
export function ScheduleForm({ workspace }: { workspace: Workspace }) {
  const template = useQuery(templateQuery(workspace.template_name)).data;
  return (
    <Section title="Schedule" lead="Start the workspace before you arrive and stop it after you leave.">
      <div className="flex flex-col gap-6">
        <AutostartForm workspace={workspace} template={template} />
        <AutostopForm workspace={workspace} template={template} />
      </div>
    </Section>
  );
}

type FormProps = { workspace: Workspace; template: Template | undefined };

function useSaved(workspace: Workspace) {
  const actions = useWorkspaceActions(workspace);
  const toasts = useToasts();
  return async (done: string) => {
    await actions.refresh();
    toasts.done(done);
  };
}

function AutostartForm({ workspace, template }: FormProps) {
  const current = workspace.autostart_schedule;
  const parsed = current ? parseSchedule(current) : undefined;
  const [on, setOn] = useState(Boolean(current));
  const [schedule, setSchedule] = useState(() => parsed ?? defaultSchedule());
  const saved = useSaved(workspace);
  const allowed = template?.allow_user_autostart !== false;
  const time = `${String(schedule.hour).padStart(2, "0")}:${String(schedule.minute).padStart(2, "0")}`;
  const form = useForm({
    check: () => ({ days: on && schedule.days.length === 0 ? "Choose at least one day." : undefined }),
    async submit() {
      const body = on ? { schedule: formatSchedule(schedule) } : {};
      await client.workspaceAutostartUpdate({ params: { workspace: workspace.id }, body });
      await saved(on ? "Autostart schedule saved." : "Autostart disabled.");
    },
  });

  return (
    <Form form={form} className="flex flex-col gap-3">
      <Switch checked={on} onChange={setOn} disabled={!allowed}>
        <span className="font-medium">Autostart</span>
      </Switch>
      {!allowed && <p className="text-muted text-sm">The template does not allow autostart.</p>}
      {on && current && !parsed && (
        <Notice>
          The current schedule is <code className="font-mono">{current}</code>. Saving here replaces it.
        </Notice>
      )}
      {on && (
        <div className="grid gap-4 sm:grid-cols-[8rem_1fr] sm:pl-11.5">
          <Field name="schedule" label="Time">
            <Input
              type="time"
              required
              value={time}
              onChange={({ target }) => {
                const [hour, minute] = target.value.split(":").map(Number);
                if (hour !== undefined && minute !== undefined) setSchedule({ ...schedule, hour, minute });
              }}
            />
          </Field>
          <Field label="Time zone">
            <Select
              value={schedule.timeZone}
              options={TIME_ZONES}
              onChange={(timeZone) => setSchedule({ ...schedule, timeZone })}
            />
          </Field>
          <div className="sm:col-span-2">
            <Field name="days" label="Days" group>
              <DayPicker
                days={schedule.days}
                onChange={(days) => {
                  form.changed("days");
                  setSchedule({ ...schedule, days });
                }}
              />
            </Field>
          </div>
        </div>
      )}
      <FormFailure />
      {allowed && (on || Boolean(current)) && (
        <div className="sm:pl-11.5">
          <SubmitButton form={form} look="secondary" size="sm">
            Save
          </SubmitButton>
        </div>
      )}
    </Form>
  );
}

function AutostopForm({ workspace, template }: FormProps) {
  const saved = useSaved(workspace);
  const allowed = template?.allow_user_autostop !== false;
  const form = useForm({
    async submit(values) {
      const hours = values("ttl_ms").trim();
      const ms = hours === "" ? null : Math.round(Number(hours) * HOUR_MS);
      await client.workspaceTtlUpdate({ params: { workspace: workspace.id }, body: { ttl_ms: ms } });
      await saved(ms === null ? "Autostop disabled." : "Autostop saved. It takes effect at the next start.");
    },
  });

  return (
    <Form form={form} className="flex flex-col gap-3">
      <div className="max-w-80">
        <Field
          name="ttl_ms"
          label="Autostop after (hours)"
          description="Counted from the workspace's start. Leave empty to never stop automatically. A new value takes effect at the next start."
        >
          <Input
            type="number"
            min={0.1}
            max={720}
            step="any"
            defaultValue={workspace.ttl_ms ? String(workspace.ttl_ms / HOUR_MS) : ""}
            disabled={!allowed}
            placeholder="Never"
          />
        </Field>
      </div>
      {!allowed && <Notice>The template controls when its workspaces stop.</Notice>}
      <FormFailure />
      <div>
        <SubmitButton form={form} look="secondary" size="sm" disabled={!allowed}>
          Save
        </SubmitButton>
      </div>
    </Form>
  );
}
