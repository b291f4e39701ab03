import type { Appearance } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client.js";
import { appearanceQuery } from "../api/session.js";
import { usePermissions } from "../modules/session/session.js";
import { Banner } from "../modules/shell/announcements.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Switch } from "../modules/ui/choice.js";
import { Field, Input, Textarea } from "../modules/ui/field.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { useToasts } from "../modules/ui/toast.js";

/** `/deployment/appearance`: the deployment's name, logo and announcements. */
export function AppearancePage() {
  useTitle("Appearance");
  const appearance = useQuery(appearanceQuery);
  return (
    <Allowed allowed={usePermissions().updateConfig}>
      <Page width="narrow">
        <PageHeader title="Appearance" lead="Everybody sees this." />
        <Loaded query={appearance}>{(data) => <AppearanceForm appearance={data} />}</Loaded>
      </Page>
    </Allowed>
  );
}

type Row = { key: number; enabled: boolean; message: string; background_color: string };
const DEFAULT_COLOR = "#004852";

function AppearanceForm({ appearance }: { appearance: Appearance }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const [banners, setBanners] = useState<Row[]>(() =>
    appearance.announcement_banners.map((banner, key) => ({
      key,
      enabled: banner.enabled,
      message: banner.message ?? "",
      background_color: banner.background_color || DEFAULT_COLOR,
    })),
  );
  const change = (key: number, part: Partial<Row>) =>
    setBanners(banners.map((row) => (row.key === key ? { ...row, ...part } : row)));
  const form = useForm({
    async submit(values) {
      await client.appearanceUpdate({
        body: {
          application_name: values("application_name"),
          logo_url: values("logo_url"),
          announcement_banners: banners.map(({ key: _, ...banner }) => banner),
        },
      });
      await queries.invalidateQueries({ queryKey: appearanceQuery.queryKey });
      toasts.done("Appearance saved.");
    },
  });
  return (
    <Form form={form} className="flex flex-col gap-8">
      <FormSection title="Name and logo">
        <Field name="application_name" label="Name" optional>
          <Input defaultValue={appearance.application_name} placeholder="Fleet" autoComplete="off" />
        </Field>
        <Field name="logo_url" label="URL of the logo" optional description="An image 24 pixels high.">
          <Input defaultValue={appearance.logo_url} autoComplete="off" spellCheck={false} />
        </Field>
      </FormSection>
      <FormSection
        title="Announcements"
        lead="Shown above every page, such as for maintenance. Markdown links and emphasis."
      >
        {banners.map((banner, index) => (
          <div key={banner.key} className="flex flex-col gap-3 border-line border-b pb-5">
            <Banner message={banner.message || "Message"} color={banner.background_color} />
            <Field name={`message-${banner.key}`} label={`Message ${index + 1}`}>
              <Textarea
                required
                rows={2}
                value={banner.message}
                onChange={({ target }) => change(banner.key, { message: target.value })}
              />
            </Field>
            <div className="flex flex-wrap items-center gap-4">
              <label className="flex items-center gap-2 text-sm">
                <input
                  type="color"
                  value={banner.background_color}
                  onChange={({ target }) => change(banner.key, { background_color: target.value })}
                  className="h-7 w-10 cursor-pointer rounded border border-line-strong bg-surface p-0.5"
                />
                Color
              </label>
              <Switch checked={banner.enabled} onChange={(enabled) => change(banner.key, { enabled })}>
                Shown
              </Switch>
              <span className="flex-1" />
              <IconButton
                label={`Remove message ${index + 1}`}
                onClick={() => setBanners(banners.filter(({ key }) => key !== banner.key))}
              >
                <Trash2 aria-hidden />
              </IconButton>
            </div>
          </div>
        ))}
        <div>
          <Button
            size="sm"
            icon={<Plus aria-hidden />}
            onClick={() =>
              setBanners([
                ...banners,
                {
                  key: (banners.at(-1)?.key ?? -1) + 1,
                  enabled: true,
                  message: "",
                  background_color: DEFAULT_COLOR,
                },
              ])
            }
          >
            Add announcement
          </Button>
        </div>
      </FormSection>
      <FormFailure />
      <div>
        <SubmitButton form={form}>Save</SubmitButton>
      </div>
    </Form>
  );
}
