import type { NotificationTemplate } from "@fleet/sdk";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { notificationPreferencesQuery, notificationTemplatesQuery } from "../api/users.js";
import { Button } from "../modules/ui/button.js";
import { Switch } from "../modules/ui/choice.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Loaded } from "../modules/ui/loaded.js";
import { ErrorNotice, Notice } from "../modules/ui/notice.js";
import { Page, PageHeader, SkeletonRows, useTitle } from "../modules/ui/page.js";

/** Which notifications the user receives. `?disabled=<template>` is the link at the end of each email. */
export function NotificationsPage() {
  useTitle("Notifications");
  const templates = useQuery(notificationTemplatesQuery);
  const preferences = useQuery(notificationPreferencesQuery);
  const queries = useQueryClient();
  const [search] = useSearchParams();
  const change = useMutation({
    mutationFn: (disabled: Record<string, boolean>) =>
      client.notificationPreferencesUpdate({
        params: { user: "me" },
        body: { template_disabled_map: disabled },
      }),
    onSuccess: (list) => queries.setQueryData(notificationPreferencesQuery.queryKey, list),
  });
  const isOn = ({ id, enabled_by_default }: NotificationTemplate) => {
    const preference = preferences.data?.find((one) => one.id === id);
    return preference ? !preference.disabled : enabled_by_default;
  };
  const asked = templates.data?.find(({ id }) => id === search.get("disabled"));
  return (
    <Page width="narrow">
      <PageHeader title="Notifications" lead="What you are told of, by email or webhook and in the inbox." />
      {asked && isOn(asked) && (
        <Notice
          tone="info"
          title={`Turn off "${asked.name}"?`}
          action={
            <Button size="sm" onClick={() => change.mutate({ [asked.id]: true })}>
              Turn off
            </Button>
          }
        />
      )}
      {change.isError && <ErrorNotice error={change.error} />}
      <Loaded query={templates} skeleton={<SkeletonRows rows={6} />}>
        {(list) =>
          [...Map.groupBy(list, ({ group }) => group)].map(([group, members]) => (
            <FormSection key={group} title={group.replace(/ Events$/, "")} table>
              <ul className="divide-y divide-line border-line border-y">
                {members.map((template) => (
                  <li key={template.id} className="px-2 py-2.5">
                    <Switch
                      checked={isOn(template)}
                      disabled={preferences.isPending || change.isPending}
                      onChange={(on) => change.mutate({ [template.id]: !on })}
                    >
                      {template.name}
                    </Switch>
                  </li>
                ))}
              </ul>
            </FormSection>
          ))
        }
      </Loaded>
    </Page>
  );
}
