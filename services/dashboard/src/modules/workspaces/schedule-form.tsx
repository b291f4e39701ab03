import type { Template, Workspace } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import clsx from "clsx";
import { type FormEvent, useState } from "react";
import { client } from "../../api/client.js";
import { templateQuery } from "../../api/templates.js";
import { Button } from "../ui/button.js";
import { Switch } from "../ui/choice.js";
import { Field, Input } from "../ui/field.js";
import { ErrorNotice, Notice } from "../ui/notice.js";
import { Section } from "../ui/page.js";
import { Select } from "../ui/select.js";
import { useToasts } from "../ui/toast.js";
import { useWorkspaceActions } from "./actions.js";
import { DAY_NAMES, formatSchedule, parseSchedule, type Schedule } from "./schedule.js";

const HOUR_MS = 3_600_000;
/** Monday first. */
const DAY_ORDER = [1, 2, 3, 4, 5, 6, 0];
const TIME_ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone")].map((zone) => ({
  value: zone,
  label: zone,
}));

function defaultSchedule(): Schedule {
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  return { hour: 9, minute: 0, days: [1, 2, 3, 4, 5], timeZone };
}

/** When the workspace starts by itself, and after how long it stops. */
export function ScheduleForm({ workspace }: { workspace: Workspace }) {
  const template = useQuery(templateQuery(workspace.template_name)).data;
  return (
    <Section title="Schedule" lead="Work with the machine on when you come, and off when you have gone.">
      <div className="flex flex-col gap-6">
        <AutostartForm workspace={workspace} template={template} />
        <AutostopForm workspace={workspace} template={template} />
      </div>
    </Section>
  );
}

type FormProps = { workspace: Workspace; template: Template | undefined };

function useSave(workspace: Workspace) {
  const actions = useWorkspaceActions(workspace);
  const toasts = useToasts();
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  async function save(write: () => Promise<unknown>, done: string) {
    setPending(true);
    setError(undefined);
    try {
      await write();
      await actions.refresh();
      toasts.done(done);
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }
  return { save, pending, error };
}

function AutostartForm({ workspace, template }: FormProps) {
  const current = workspace.autostart_schedule;
  const parsed = current ? parseSchedule(current) : undefined;
  const [on, setOn] = useState(Boolean(current));
  const [schedule, setSchedule] = useState(() => parsed ?? defaultSchedule());
  const { save, pending, error } = useSave(workspace);
  const allowed = template?.allow_user_autostart !== false;
  const time = `${String(schedule.hour).padStart(2, "0")}:${String(schedule.minute).padStart(2, "0")}`;

  function submit(event: FormEvent) {
    event.preventDefault();
    const body = on ? { schedule: formatSchedule(schedule) } : {};
    void save(
      () => client.workspaceAutostartUpdate({ params: { workspace: workspace.id }, body }),
      on ? "The workspace starts by this schedule." : "The workspace starts only when you start it.",
    );
  }

  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <Switch checked={on} onChange={setOn} disabled={!allowed}>
        <span className="font-medium">Start by itself</span>
      </Switch>
      {!allowed && <p className="text-muted text-sm">The template does not allow it.</p>}
      {on && (
        <div className="grid gap-4 sm:grid-cols-[8rem_1fr] sm:pl-11.5">
          <Field label="Time">
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
            <Field
              label="Days"
              group
              error={schedule.days.length === 0 ? "Choose at least one day." : undefined}
            >
              <DayPicker days={schedule.days} onChange={(days) => setSchedule({ ...schedule, days })} />
            </Field>
          </div>
        </div>
      )}
      {error !== undefined && <ErrorNotice error={error} />}
      {allowed && (on || Boolean(current)) && (
        <div className="sm:pl-11.5">
          <Button type="submit" size="sm" pending={pending} disabled={on && schedule.days.length === 0}>
            Save
          </Button>
        </div>
      )}
    </form>
  );
}

function DayPicker({ days, onChange }: { days: number[]; onChange(days: number[]): void }) {
  return (
    <div className="flex flex-wrap gap-1.5">
      {DAY_ORDER.map((day) => {
        const chosen = days.includes(day);
        return (
          <button
            key={day}
            type="button"
            aria-pressed={chosen}
            onClick={() => onChange(chosen ? days.filter((each) => each !== day) : [...days, day].sort())}
            className={clsx(
              "h-7.5 w-12 rounded-md border text-sm transition-colors",
              chosen
                ? "border-accent bg-accent-soft font-medium text-accent"
                : "border-line-strong text-muted hover:bg-hover",
            )}
          >
            {DAY_NAMES[day]}
          </button>
        );
      })}
    </div>
  );
}

function AutostopForm({ workspace, template }: FormProps) {
  const [hours, setHours] = useState(workspace.ttl_ms ? String(workspace.ttl_ms / HOUR_MS) : "");
  const { save, pending, error } = useSave(workspace);
  const allowed = template?.allow_user_autostop !== false;
  const bump = template?.activity_bump_ms ? Math.round(template.activity_bump_ms / HOUR_MS) : 0;

  function submit(event: FormEvent) {
    event.preventDefault();
    const ms = hours.trim() === "" ? null : Math.round(Number(hours) * HOUR_MS);
    void save(
      () => client.workspaceTtlUpdate({ params: { workspace: workspace.id }, body: { ttl_ms: ms } }),
      ms === null ? "The workspace does not stop by itself." : "It holds from the next start on.",
    );
  }

  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <div className="max-w-64">
        <Field
          label="Stop after, in hours"
          description={
            <>
              Empty: never. It counts from the start{bump > 0 && <>, and use moves the end by {bump} h</>}; a
              change holds from the next start on.
            </>
          }
        >
          <Input
            type="number"
            min={0.1}
            max={720}
            step="any"
            value={hours}
            disabled={!allowed}
            placeholder="never"
            onChange={(event) => setHours(event.target.value)}
          />
        </Field>
      </div>
      {!allowed && <Notice>The template sets when its workspaces stop.</Notice>}
      {error !== undefined && <ErrorNotice error={error} />}
      <div>
        <Button type="submit" size="sm" pending={pending} disabled={!allowed}>
          Save
        </Button>
      </div>
    </form>
  );
}
