import type { ProvisionerKey, ProvisionerKeyDaemons } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { provisionerKeysQuery } from "../../api/admin.js";
import { client } from "../../api/client.js";
import { JobTags } from "../builds/job-tags.js";
import { NAME_PATTERN, NAME_RULE } from "../format/names.js";
import { Ago } from "../format/time.js";
import { usePermissions } from "../session/session.js";
import { Button, IconButton } from "../ui/button.js";
import { Confirm } from "../ui/confirm.js";
import { Field, Input, Textarea } from "../ui/field.js";
import { FormDialog, useForm } from "../ui/form.js";
import { FormSection } from "../ui/form-section.js";
import { Empty } from "../ui/page.js";
import { Table } from "../ui/table.js";
import { SecretDialog } from "./secret-dialog.js";

/** Keys that ship with every deployment; they cannot be deleted. */
const BUILT_IN = new Set(["built-in", "psk", "user-auth"]);

/** `key=value` lines; undefined for anything else. */
export function parseTags(text: string): Record<string, string> | undefined {
  const pairs = text
    .split(/[\n,]+/)
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => /^([^=\s]+)=(.*)$/.exec(line));
  if (pairs.some((pair) => pair === null)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair![1]!, pair![2]!]));
}

/** The keys that external provisioner daemons connect with. */
export function ProvisionerKeys({ organization }: { organization: string }) {
  const keys = useQuery(provisionerKeysQuery(organization));
  const queries = useQueryClient();
  const may = usePermissions().createKeys;
  const [creating, setCreating] = useState(false);
  const [secret, setSecret] = useState<string>();
  const [removed, setRemoved] = useState<ProvisionerKey>();
  const refresh = () => queries.invalidateQueries({ queryKey: provisionerKeysQuery(organization).queryKey });
  return (
    <FormSection
      table
      title="Keys"
      action={
        may && (
          <Button size="sm" icon={<Plus aria-hidden />} onClick={() => setCreating(true)}>
            Create key
          </Button>
        )
      }
    >
      <Table
        label="Provisioner keys"
        rows={keys.data?.filter(({ key }) => !BUILT_IN.has(key.name))}
        keyOf={({ key }) => key.id}
        error={keys.error}
        onRetry={() => void keys.refetch()}
        empty={
          <Empty icon={<KeyRound aria-hidden />} title="No keys">
            External provisioners need a key to connect.
          </Empty>
        }
        columns={[
          {
            id: "name",
            title: "Key",
            width: "minmax(0, 1fr)",
            cell: ({ key }) => <span className="block truncate font-medium">{key.name}</span>,
          },
          {
            id: "tags",
            title: "Tags",
            width: "minmax(0, 1fr)",
            from: "sm",
            cell: ({ key }) => <JobTags tags={key.tags} />,
          },
          {
            id: "daemons",
            title: "Daemons",
            width: "6rem",
            end: true,
            cell: ({ daemons }) => daemons.length,
          },
          {
            id: "created",
            title: "Created",
            width: "8rem",
            from: "md",
            cell: ({ key }) => <Ago time={key.created_at} />,
          },
          ...(may
            ? [
                {
                  id: "acts",
                  title: "Actions",
                  quiet: true,
                  end: true,
                  width: "2.25rem",
                  cell: ({ key }: ProvisionerKeyDaemons) => (
                    <IconButton label={`Delete ${key.name}`} onClick={() => setRemoved(key)}>
                      <Trash2 aria-hidden />
                    </IconButton>
                  ),
                },
              ]
            : []),
        ]}
      />
      {creating && (
        <CreateKey
          organization={organization}
          onClose={() => setCreating(false)}
          onCreated={async (key) => {
            setSecret(key);
            await refresh();
          }}
        />
      )}
      {secret && (
        <SecretDialog title="Provisioner key" secret={secret} onClose={() => setSecret(undefined)}>
          Start the provisioner with this key as{" "}
          <code className="font-mono">CODER_PROVISIONER_DAEMON_KEY</code>.
        </SecretDialog>
      )}
      <Confirm
        open={removed !== undefined}
        onClose={() => setRemoved(undefined)}
        danger
        title={`Delete ${removed?.name}?`}
        description="Its daemons are disconnected and cannot connect again."
        action="Delete key"
        onConfirm={() =>
          client.provisionerKeyDelete({ params: { organization, keyName: removed!.name } }).then(refresh)
        }
      />
    </FormSection>
  );
}

function CreateKey(props: { organization: string; onClose(): void; onCreated(key: string): Promise<void> }) {
  const { organization, onClose, onCreated } = props;
  const form = useForm({
    check: (values) => ({
      tags: parseTags(values("tags")) ? undefined : "Enter tags as key=value, one on each line.",
    }),
    async submit(values) {
      const { key } = await client.provisionerKeyCreate({
        params: { organization },
        body: { name: values("name"), tags: parseTags(values("tags")) },
      });
      await onCreated(key);
      onClose();
    },
  });
  return (
    <FormDialog form={form} onClose={onClose} title="Create provisioner key" action="Create key">
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
      <Field
        name="tags"
        label="Tags"
        optional
        description="Its daemons run only jobs whose tags they all have. One on each line, such as gpu=true."
      >
        <Textarea rows={3} spellCheck={false} className="font-mono text-sm!" />
      </Field>
    </FormDialog>
  );
}
