import type { Policy, PolicyMode, Transition } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Ellipsis, Pencil, Plus, Scale, Trash2 } from "lucide-react";
import { useState } from "react";
import { policiesQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { NAME_PATTERN, NAME_RULE } from "../modules/format/names.js";
import { Ago } from "../modules/format/time.js";
import { usePermissions } from "../modules/session/session.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Checkbox } from "../modules/ui/choice.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Field, Input, Textarea } from "../modules/ui/field.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { FormDialog, useForm } from "../modules/ui/form.js";
import { Menu, MenuItem, MenuLine } from "../modules/ui/menu.js";
import { ErrorNotice } from "../modules/ui/notice.js";
import { Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";
import { Table } from "../modules/ui/table.js";

const MODES: Record<PolicyMode, string> = { deny: "Deny", warn: "Warn", dry: "Record" };
const MODE_OPTIONS = [
  { value: "deny", label: MODES.deny, description: "The build fails before it changes anything." },
  { value: "warn", label: MODES.warn, description: "The build goes on, and its user is told." },
  { value: "dry", label: MODES.dry, description: "Only recorded: to try a policy out." },
];
const TRANSITIONS: Transition[] = ["start", "stop", "delete"];

/** `/deployment/policies`: rules on what workspace builds may change. */
export function PoliciesPage() {
  useTitle("Policies");
  return (
    <Allowed allowed={usePermissions().readPolicies}>
      <List />
    </Allowed>
  );
}

function List() {
  const policies = useQuery(policiesQuery);
  const queries = useQueryClient();
  const may = usePermissions().updatePolicies;
  const [edited, setEdited] = useState<Policy | "new">();
  const [removed, setRemoved] = useState<Policy>();
  return (
    <Page width="fluid">
      <PageHeader
        title="Policies"
        lead="Rules on what workspace builds may change, checked between plan and apply."
        actions={
          may && (
            <Button look="primary" icon={<Plus aria-hidden />} onClick={() => setEdited("new")}>
              Create policy
            </Button>
          )
        }
      />
      <Table
        label="Policies"
        rows={policies.data}
        keyOf={({ id }) => id}
        error={policies.error}
        onRetry={() => void policies.refetch()}
        rowPx={60}
        empty={
          <Empty icon={<Scale aria-hidden />} title="No policies yet">
            A policy denies builds that break a rule, such as a limit on their cost.
          </Empty>
        }
        columns={[
          {
            id: "name",
            title: "Policy",
            width: "minmax(0, 2fr)",
            sort: ({ name }) => name,
            cell: ({ name, message }) => (
              <span className="block py-1.5">
                <span className="block truncate font-medium">{name}</span>
                <span className="block truncate text-muted text-sm" title={message}>
                  {message}
                </span>
              </span>
            ),
          },
          {
            id: "rule",
            title: "Denies if",
            width: "minmax(0, 2fr)",
            from: "lg",
            cell: ({ expression }) => (
              <span className="block truncate font-mono text-sm" title={expression}>
                {expression}
              </span>
            ),
          },
          {
            id: "scope",
            title: "Applies to",
            width: "minmax(0, 1fr)",
            from: "sm",
            cell: ({ scope, organization_name, template_name }) =>
              scope === "template"
                ? `Template ${template_name}`
                : scope === "organization"
                  ? organization_name
                  : "All builds",
          },
          {
            id: "mode",
            title: "Mode",
            width: "5rem",
            sort: ({ mode }) => mode,
            cell: ({ mode }) => MODES[mode],
          },
          {
            id: "updated",
            title: "Changed",
            width: "8rem",
            from: "md",
            cell: ({ updated_at }) => <Ago time={updated_at} />,
          },
          ...(may
            ? [
                {
                  id: "acts",
                  title: "Actions",
                  quiet: true,
                  end: true,
                  width: "2.25rem",
                  cell: (policy: Policy) => (
                    <Menu
                      label={`Actions for ${policy.name}`}
                      trigger={
                        <IconButton label={`More actions for ${policy.name}`}>
                          <Ellipsis aria-hidden />
                        </IconButton>
                      }
                    >
                      <MenuItem icon={<Pencil aria-hidden />} onSelect={() => setEdited(policy)}>
                        Edit…
                      </MenuItem>
                      <MenuLine />
                      <MenuItem icon={<Trash2 aria-hidden />} danger onSelect={() => setRemoved(policy)}>
                        Delete…
                      </MenuItem>
                    </Menu>
                  ),
                },
              ]
            : []),
        ]}
      />
      {edited && (
        <PolicyForm policy={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />
      )}
      <Confirm
        open={removed !== undefined}
        onClose={() => setRemoved(undefined)}
        danger
        title={`Delete ${removed?.name}?`}
        description="Builds are no longer judged by it. Results of earlier builds are kept."
        action="Delete policy"
        onConfirm={async () => {
          await client.policyDelete({ params: { policy: removed!.id } });
          await queries.invalidateQueries({ queryKey: policiesQuery.queryKey });
        }}
      />
    </Page>
  );
}

function PolicyForm({ policy, onClose }: { policy: Policy | undefined; onClose(): void }) {
  const queries = useQueryClient();
  const [mode, setMode] = useState<PolicyMode>(policy?.mode ?? "dry");
  const [transitions, setTransitions] = useState<readonly Transition[]>(policy?.transitions ?? ["start"]);
  const [violations, setViolations] = useState<string>();
  const form = useForm({
    check: () => ({
      transitions: transitions.length === 0 ? "Choose at least one kind of build." : undefined,
    }),
    async submit(values) {
      const rule = {
        mode,
        transitions: [...transitions],
        expression: values("expression"),
        message: values("message"),
        message_expression: values("message_expression"),
      };
      if (policy) await client.policyUpdate({ params: { policy: policy.id }, body: rule });
      else await client.policyCreate({ body: { name: values("name"), ...rule } });
      await queries.invalidateQueries({ queryKey: policiesQuery.queryKey });
      onClose();
    },
  });
  const test = useForm({
    async submit() {
      const values = new FormData(document.getElementById(form.id) as HTMLFormElement);
      const results = await client.policyTest({
        body: {
          expression: String(values.get("expression")),
          message: String(values.get("message")),
          transitions: [...transitions],
        },
      });
      const count = results.filter(({ outcome }) => outcome === "violated").length;
      setViolations(
        results.length === 0
          ? "There are no recent plans to test it on. The expression is valid."
          : `${count} of ${results.length} recent plans violate it.`,
      );
    },
  });
  return (
    <FormDialog
      form={form}
      wide
      onClose={onClose}
      title={policy ? `Edit ${policy.name}` : "Create policy"}
      action={policy ? "Save policy" : "Create policy"}
    >
      {!policy && (
        <Field name="name" label="Name">
          <Input
            required
            autoFocus
            maxLength={64}
            pattern={NAME_PATTERN}
            title={NAME_RULE}
            autoComplete="off"
            spellCheck={false}
          />
        </Field>
      )}
      <Field name="expression" label="Violated if" description="A CEL expression, such as cost.after > 100.">
        <Textarea
          required
          rows={3}
          defaultValue={policy?.expression}
          spellCheck={false}
          onInput={() => setViolations(undefined)}
          className="font-mono text-sm!"
        />
      </Field>
      <Field name="message" label="Message" description="What the user of the build reads.">
        <Input required defaultValue={policy?.message} autoComplete="off" />
      </Field>
      <Field
        name="message_expression"
        label="Message expression"
        optional
        description="CEL that replaces the message, for example to name resources."
      >
        <Input
          defaultValue={policy?.message_expression}
          autoComplete="off"
          spellCheck={false}
          className="font-mono text-sm!"
        />
      </Field>
      <Field name="mode" label="Mode">
        <Select value={mode} options={MODE_OPTIONS} onChange={(value) => setMode(value as PolicyMode)} />
      </Field>
      <Field name="transitions" label="Builds" group>
        <div className="flex gap-5">
          {TRANSITIONS.map((transition) => (
            <Checkbox
              key={transition}
              checked={transitions.includes(transition)}
              onChange={(on) => {
                form.changed("transitions");
                setTransitions(
                  TRANSITIONS.filter((one) => (one === transition ? on : transitions.includes(one))),
                );
              }}
            >
              {transition.replace(/^./, (letter) => letter.toUpperCase())}
            </Checkbox>
          ))}
        </div>
      </Field>
      <div className="flex flex-wrap items-center gap-3">
        <Button
          size="sm"
          pending={test.pending}
          onClick={() => void test.submit(document.getElementById(form.id) as HTMLFormElement)}
        >
          Test on recent plans
        </Button>
        <span role="status" className="text-muted text-sm">
          {violations}
        </span>
      </div>
      {test.failure !== undefined && <ErrorNotice error={test.failure} />}
    </FormDialog>
  );
}
