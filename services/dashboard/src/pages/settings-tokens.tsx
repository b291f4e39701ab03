import type { ApiKey } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client.js";
import { scopesQuery, tokenConfigQuery, tokensQuery } from "../api/users.js";
import { Ago } from "../modules/format/time.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Checkbox, RadioCards } from "../modules/ui/choice.js";
import { Confirm } from "../modules/ui/confirm.js";
import { CopyLine } from "../modules/ui/copy.js";
import { Dialog } from "../modules/ui/dialog.js";
import { Field, Input } from "../modules/ui/field.js";
import { FormDialog, useForm } from "../modules/ui/form.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { Badge, Empty, Section, SkeletonRows, useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";

/** The API measures lifetimes in nanoseconds. */
const NANOSECONDS_A_DAY = 86_400_000_000_000;
const LIFETIME_DAYS = [7, 30, 90, 365];
const DEFAULT_DAYS = 30;

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
        lead="Tokens authenticate scripts and automation. Anyone who has a token can act as you, within its scopes."
        action={
          <Button size="sm" icon={<Plus aria-hidden />} onClick={() => setCreating(true)}>
            Create token
          </Button>
        }
        flush
      >
        <Loaded query={tokens} skeleton={<SkeletonRows rows={2} />} padded>
          {(list) =>
            list.length === 0 ? (
              <Empty icon={<KeyRound aria-hidden />} title="No tokens" />
            ) : (
              <ul className="divide-y divide-line">
                {list.map((token) => (
                  <TokenRow key={token.id} token={token} onDelete={() => setRemoving(token)} />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Section>
      {creating && <CreateToken onClose={() => setCreating(false)} />}
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        danger
        title={`Delete ${removing?.token_name || removing?.id}?`}
        description="Anything that uses this token loses access immediately."
        action="Delete token"
        onConfirm={async () => {
          await client.keyDelete({ params: { user: "me", key: removing!.id } });
          await queries.invalidateQueries({ queryKey: tokensQuery.queryKey });
        }}
      />
    </>
  );
}

function TokenRow({ token, onDelete }: { token: ApiKey; onDelete(): void }) {
  const name = token.token_name || token.id;
  const scopes = (token.scopes ?? [token.scope]).filter((scope) => scope !== "all");
  const expired = Date.parse(token.expires_at) < Date.now();
  return (
    <li className="flex items-center gap-3 px-4 py-2.5 sm:px-5">
      <div className="min-w-0 flex-1">
        <p className="flex items-center gap-2">
          <span className="truncate font-medium">{name}</span>
          {expired && <Badge tone="warn">expired</Badge>}
        </p>
        <p className="text-muted text-sm">
          Last used <Ago time={token.last_used} /> · {expired ? "expired" : "expires"}{" "}
          <Ago time={token.expires_at} />
        </p>
        {scopes.length > 0 && (
          <p className="flex flex-wrap gap-1 pt-1">
            {scopes.map((scope) => (
              <Badge key={scope}>{scope}</Badge>
            ))}
          </p>
        )}
      </div>
      <IconButton label={`Delete ${name}`} onClick={onDelete}>
        <Trash2 aria-hidden />
      </IconButton>
    </li>
  );
}

function CreateToken({ onClose }: { onClose(): void }) {
  const queries = useQueryClient();
  const limit = useQuery(tokenConfigQuery).data;
  const longest = limit ? limit.max_token_lifetime / NANOSECONDS_A_DAY : Number.POSITIVE_INFINITY;
  const lifetimes = LIFETIME_DAYS.filter((days) => days <= longest);
  const [days, setDays] = useState(DEFAULT_DAYS);
  const [limited, setLimited] = useState(false);
  const [scopes, setScopes] = useState<readonly string[]>([]);
  const [key, setKey] = useState<string>();
  const form = useForm({
    check: () => ({ scopes: limited && scopes.length === 0 ? "Choose at least one scope." : undefined }),
    async submit(values) {
      const created = await client.tokenCreate({
        params: { user: "me" },
        body: {
          token_name: values("token_name"),
          lifetime: Math.min(days, longest) * NANOSECONDS_A_DAY,
          ...(limited ? { scopes: [...scopes] } : {}),
        },
      });
      setKey(created.key);
      await queries.invalidateQueries({ queryKey: tokensQuery.queryKey });
    },
  });

  if (key !== undefined) {
    return (
      <Dialog
        open
        onClose={onClose}
        title="Token created"
        footer={
          <Button look="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <CopyLine text={key} />
        <Notice tone="warn">Copy the token now. It is not shown again.</Notice>
      </Dialog>
    );
  }
  return (
    <FormDialog form={form} onClose={onClose} title="Create token" action="Create token">
      <Field name="token_name" label="Name" description="What the token is for, such as nightly-build.">
        <Input required autoFocus maxLength={64} autoComplete="off" />
      </Field>
      <Field name="lifetime" label="Expires after">
        <Select
          value={String(days)}
          options={lifetimes.map((count) => ({
            value: String(count),
            label: count === 365 ? "1 year" : `${count} days`,
          }))}
          onChange={(chosen) => setDays(Number(chosen))}
        />
      </Field>
      <Field name="scopes" label="Access" group>
        <RadioCards
          label="Access"
          value={limited ? "scopes" : "all"}
          options={[
            { value: "all", label: "Full access", description: "Everything that you can do." },
            { value: "scopes", label: "Selected scopes", description: "Only what you select below." },
          ]}
          onChange={(value) => setLimited(value === "scopes")}
        />
        {limited && (
          <Scopes
            chosen={scopes}
            onChange={(next) => {
              setScopes(next);
              form.changed("scopes");
            }}
          />
        )}
      </Field>
    </FormDialog>
  );
}

function Scopes({ chosen, onChange }: { chosen: readonly string[]; onChange(scopes: string[]): void }) {
  const scopes = useQuery(scopesQuery);
  return (
    <Loaded query={scopes}>
      {(all) => (
        <fieldset className="flex max-h-52 min-w-0 flex-col gap-1.5 overflow-y-auto rounded-lg border border-line p-3">
          <legend className="sr-only">Scopes</legend>
          {all.map((scope) => (
            <Checkbox
              key={scope}
              checked={chosen.includes(scope)}
              onChange={(on) => onChange(on ? [...chosen, scope] : chosen.filter((each) => each !== scope))}
            >
              <span className="font-mono text-sm">{scope}</span>
            </Checkbox>
          ))}
        </fieldset>
      )}
    </Loaded>
  );
}
