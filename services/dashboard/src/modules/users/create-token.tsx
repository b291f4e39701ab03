import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "../../api/client.js";
import { scopesQuery, tokenConfigQuery, tokensQuery } from "../../api/users.js";
import { Button } from "../ui/button.js";
import { Checkbox, RadioCards } from "../ui/choice.js";
import { CopyLine } from "../ui/copy.js";
import { Dialog } from "../ui/dialog.js";
import { Field, Input } from "../ui/field.js";
import { FormDialog, useForm } from "../ui/form.js";
import { Loaded } from "../ui/loaded.js";
import { Notice } from "../ui/notice.js";
import { Select } from "../ui/select.js";

/** The API measures lifetimes in nanoseconds. */
const NANOSECONDS_A_DAY = 86_400_000_000_000;
const LIFETIME_DAYS = [7, 30, 90, 365];
const DEFAULT_DAYS = 30;

/** Creates a token for the user, or for somebody else: then `user` and `of` are their id and name. */
export function CreateToken(props: { user?: string; of?: string; onClose(): void }) {
  const { user = "me", of, onClose } = props;
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
        params: { user },
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
    <FormDialog
      form={form}
      onClose={onClose}
      title={of ? `Create a token for ${of}` : "Create token"}
      action="Create token"
    >
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
