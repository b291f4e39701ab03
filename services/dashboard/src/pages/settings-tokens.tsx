import type { ApiKey } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { client } from "../api/client.js";
import { readError } from "../api/errors.js";
import { tokensQuery } from "../api/users.js";
import { Ago } from "../modules/format/time.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { CopyLine } from "../modules/ui/copy.js";
import { Dialog } from "../modules/ui/dialog.js";
import { Field, Input } from "../modules/ui/field.js";
import { ErrorNotice, Notice } from "../modules/ui/notice.js";
import { Empty, Section, SkeletonRows, useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";

/** A Go duration counts nanoseconds. */
const NANOSECONDS_A_DAY = 86_400_000_000_000;
const LIFETIMES = [
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "A year" },
];

export function TokensPage() {
  useTitle("Tokens");
  const tokens = useQuery(tokensQuery);
  const queries = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [removing, setRemoving] = useState<ApiKey>();
  return (
    <>
      <Section
        title="Tokens"
        lead="For scripts and automation: whoever has one acts as you."
        action={
          <Button size="sm" icon={<Plus aria-hidden />} onClick={() => setCreating(true)}>
            Create token
          </Button>
        }
        flush
      >
        {tokens.isPending && <SkeletonRows rows={2} />}
        {tokens.isError && (
          <div className="px-5 pb-5">
            <ErrorNotice error={tokens.error} onRetry={() => void tokens.refetch()} />
          </div>
        )}
        {tokens.data?.length === 0 && <Empty icon={<KeyRound aria-hidden />} title="No tokens" />}
        <ul className="divide-y divide-line">
          {tokens.data?.map((token) => (
            <li key={token.id} className="flex items-center gap-3 px-4 py-2.5 sm:px-5">
              <div className="min-w-0 flex-1">
                <p className="truncate font-medium">{token.token_name || token.id}</p>
                <p className="truncate text-muted text-sm">
                  used <Ago time={token.last_used} /> · ends <Ago time={token.expires_at} />
                </p>
              </div>
              <IconButton label={`Delete ${token.token_name || token.id}`} onClick={() => setRemoving(token)}>
                <Trash2 aria-hidden />
              </IconButton>
            </li>
          ))}
        </ul>
      </Section>
      {creating && <CreateToken onClose={() => setCreating(false)} />}
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        danger
        title={`Delete ${removing?.token_name || removing?.id}?`}
        description="Whatever signs in with this token is refused from now on."
        action="Delete token"
        onConfirm={async () => {
          await client.keyDelete({ params: { user: "me", key: removing!.id } });
          await queries.invalidateQueries({ queryKey: tokensQuery.queryKey });
        }}
      />
    </>
  );
}

function CreateToken({ onClose }: { onClose(): void }) {
  const queries = useQueryClient();
  const [days, setDays] = useState("30");
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const [key, setKey] = useState<string>();
  const { fields } = readError(error ?? "");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name"));
    setPending(true);
    setError(undefined);
    try {
      const created = await client.tokenCreate({
        params: { user: "me" },
        body: { token_name: name, lifetime: Number(days) * NANOSECONDS_A_DAY },
      });
      setKey(created.key);
      await queries.invalidateQueries({ queryKey: tokensQuery.queryKey });
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  if (key !== undefined) {
    return (
      <Dialog
        open
        onClose={onClose}
        title="Your token"
        footer={
          <Button look="primary" onClick={onClose}>
            I have it
          </Button>
        }
      >
        <CopyLine text={key} />
        <Notice tone="warn">Copy it now: it is not shown again.</Notice>
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title="Create a token"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="create-token" look="primary" pending={pending}>
            Create token
          </Button>
        </>
      }
    >
      <form id="create-token" onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <Field label="Name" error={fields.token_name} description="What it is for: nightly-build.">
          <Input name="name" required autoFocus maxLength={64} autoComplete="off" />
        </Field>
        <Field label="Ends after" error={fields.lifetime}>
          <Select value={days} options={LIFETIMES} onChange={setDays} />
        </Field>
        {error !== undefined && <ErrorNotice error={error} />}
      </form>
    </Dialog>
  );
}
