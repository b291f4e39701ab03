import type { NotificationTemplate } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Bell, Pause, Play, RotateCw, Send } from "lucide-react";
import { deliveriesQuery, notificationMethodsQuery, notificationSettingsQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { notificationTemplatesQuery } from "../api/users.js";
import { Ago } from "../modules/format/time.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Notice } from "../modules/ui/notice.js";
import { Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";
import { Table } from "../modules/ui/table.js";
import { useAct } from "../modules/ui/toast.js";

const SHOWN_DEAD = 50;
const METHODS: Record<string, string> = { smtp: "Email", webhook: "Webhook", inbox: "Inbox only" };

/** `/deployment/notifications`: how notifications are sent, and which could not be. */
export function NotificationsAdminPage() {
  useTitle("Notifications");
  return (
    <Allowed allowed={usePermissions().updateNotifications}>
      <Settings />
    </Allowed>
  );
}

function Settings() {
  const act = useAct();
  const queries = useQueryClient();
  const paused = useQuery(notificationSettingsQuery).data?.notifier_paused;
  const methods = useQuery(notificationMethodsQuery).data;
  const setPaused = (notifier_paused: boolean) =>
    act(async () => {
      await client.notificationSettingsUpdate({ body: { notifier_paused } });
      await queries.invalidateQueries({ queryKey: notificationSettingsQuery.queryKey });
    });
  return (
    <Page>
      <PageHeader
        title="Notifications"
        lead={
          methods && (
            <>
              Sent by {(METHODS[methods.default] ?? methods.default).toLowerCase()} and to the inbox, unless
              an event says otherwise.
            </>
          )
        }
        actions={
          <>
            <Button
              icon={<Send aria-hidden />}
              onClick={() => act(() => client.notificationTest(), "Test notification sent to you.")}
            >
              Send a test
            </Button>
            {paused !== undefined && (
              <Button
                icon={paused ? <Play aria-hidden /> : <Pause aria-hidden />}
                onClick={() => setPaused(!paused)}
              >
                {paused ? "Resume" : "Pause"}
              </Button>
            )}
          </>
        }
      />
      {paused && (
        <Notice tone="warn" title="Notifications are paused">
          Messages wait for at most 30 days, and are sent when you resume.
        </Notice>
      )}
      <Dead />
      <Events />
    </Page>
  );
}

/** Messages that could not be delivered; nothing if there are none. */
function Dead() {
  const act = useAct();
  const queries = useQueryClient();
  const dead = useQuery(deliveriesQuery("dead", SHOWN_DEAD));
  if (!dead.data || dead.data.count === 0) return null;
  const retry = (ids?: string[]) =>
    act(async () => {
      await client.deliveryRetry({ body: ids ? { ids } : {} });
      await queries.invalidateQueries({ queryKey: ["deliveries"] });
    }, "Sending again.");
  return (
    <FormSection table title="Not delivered" lead="The mail server or webhook refused these messages.">
      <Table
        label="Messages that were not delivered"
        rows={dead.data.deliveries}
        keyOf={({ id }) => id}
        empty={null}
        columns={[
          {
            id: "subject",
            title: "Message",
            width: "minmax(0, 1fr)",
            cell: ({ subject }) => <span className="block truncate">{subject}</span>,
          },
          {
            id: "reason",
            title: "Reason",
            width: "minmax(0, 1fr)",
            from: "sm",
            cell: ({ reason }) => (
              <span className="block truncate text-bad text-sm" title={reason}>
                {reason}
              </span>
            ),
          },
          {
            id: "to",
            title: "Sent by",
            width: "8rem",
            from: "md",
            cell: ({ destination }) => METHODS[destination] ?? "Audit webhook",
          },
          {
            id: "time",
            title: "Last attempt",
            width: "8rem",
            from: "lg",
            cell: ({ updated_at }) => <Ago time={updated_at} />,
          },
          {
            id: "acts",
            title: "Actions",
            quiet: true,
            end: true,
            width: "5.5rem",
            cell: ({ id }) => (
              <Button size="sm" look="ghost" icon={<RotateCw aria-hidden />} onClick={() => retry([id])}>
                Retry
              </Button>
            ),
          },
        ]}
      />
      <div>
        <Button size="sm" icon={<RotateCw aria-hidden />} onClick={() => retry()}>
          Retry all {dead.data.count}
        </Button>
      </div>
    </FormSection>
  );
}

function Events() {
  const act = useAct();
  const queries = useQueryClient();
  const templates = useQuery(notificationTemplatesQuery);
  const methods = useQuery(notificationMethodsQuery).data;
  const set = ({ id }: NotificationTemplate, method: string) =>
    act(async () => {
      await client.notificationTemplateMethodUpdate({
        params: { notificationTemplate: id },
        body: { method },
      });
      await queries.invalidateQueries({ queryKey: notificationTemplatesQuery.queryKey });
    });
  const options = [
    { value: "", label: `Default (${METHODS[methods?.default ?? ""] ?? "Email"})` },
    ...(methods?.available ?? []).map((method) => ({ value: method, label: METHODS[method] ?? method })),
  ];
  return (
    <FormSection table title="Events" lead="Users turn events off for themselves in their account.">
      <Table
        label="Events"
        rows={templates.data}
        keyOf={({ id }) => id}
        error={templates.error}
        onRetry={() => void templates.refetch()}
        empty={<Empty icon={<Bell aria-hidden />} title="No events" />}
        columns={[
          {
            id: "name",
            title: "Event",
            width: "minmax(0, 2fr)",
            sort: ({ name }) => name,
            cell: ({ name }) => <span className="block truncate">{name}</span>,
          },
          {
            id: "group",
            title: "About",
            width: "minmax(0, 1fr)",
            from: "sm",
            sort: ({ group }) => group,
            cell: ({ group }) => group.replace(/ Events$/, ""),
          },
          {
            id: "method",
            title: "Sent by",
            width: "11rem",
            cell: (template) => (
              <Select
                label={`How "${template.name}" is sent`}
                value={template.method}
                options={options}
                onChange={(method) => set(template, method)}
              />
            ),
          },
        ]}
      />
    </FormSection>
  );
}
