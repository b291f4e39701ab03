import type { QuietHours } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "../api/client.js";
import { quietHoursQuery } from "../api/users.js";
import { Ago } from "../modules/format/time.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";
import { useAct, useToasts } from "../modules/ui/toast.js";

/** `/settings/schedule`: when required stops of the user's workspaces may happen. */
export function ScheduleSettingsPage() {
  useTitle("Quiet hours");
  const quiet = useQuery(quietHoursQuery);
  return (
    <Page width="narrow">
      <PageHeader
        title="Quiet hours"
        lead="Templates can require that workspaces stop regularly. They do so when your quiet hours begin."
      />
      <Loaded query={quiet}>{(hours) => <QuietForm key={hours.raw_schedule} hours={hours} />}</Loaded>
    </Page>
  );
}

function QuietForm({ hours }: { hours: QuietHours }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const act = useAct();
  const [zone, setZone] = useState(hours.timezone);
  const save = async (schedule: string) => {
    const saved = await client.userQuietHoursUpdate({ params: { user: "me" }, body: { schedule } });
    queries.setQueryData(quietHoursQuery.queryKey, saved);
  };
  const form = useForm({
    async submit(values) {
      const [hour, minute] = values("schedule").split(":").map(Number);
      await save(`CRON_TZ=${zone} ${minute} ${hour} * * *`);
      toasts.done("Quiet hours saved.");
    },
  });
  const zones = ["UTC", ...Intl.supportedValuesOf("timeZone")];
  return (
    <Form form={form} className="flex max-w-md flex-col gap-5">
      {!hours.user_can_set && <Notice>Your administrator sets the quiet hours of everybody.</Notice>}
      <Field name="schedule" label="Begin at">
        <Input
          type="time"
          required
          defaultValue={hours.time}
          disabled={!hours.user_can_set}
          className="w-32!"
        />
      </Field>
      <Field name="timezone" label="Time zone">
        <Select
          value={zone}
          options={(zones.includes(zone) ? zones : [zone, ...zones]).map((value) => ({
            value,
            label: value,
          }))}
          onChange={setZone}
          disabled={!hours.user_can_set}
        />
      </Field>
      <p className="text-muted text-sm">
        They begin next <Ago time={hours.next} />
        {hours.user_set ? "." : ", by the deployment's default."}
      </p>
      <FormFailure />
      {hours.user_can_set && (
        <div className="flex gap-2">
          <SubmitButton form={form}>Save</SubmitButton>
          {hours.user_set && (
            <Button onClick={() => act(() => save(""), "Quiet hours reset to the default.")}>
              Use the default
            </Button>
          )}
        </div>
      )}
    </Form>
  );
}
