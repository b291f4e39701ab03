import { useState } from "react";
import { Button } from "../ui/button.js";
import { CopyButton } from "../ui/copy.js";
import { Field, Input } from "../ui/field.js";

const LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const LENGTH = 20;

/** A random password without letters that look alike. */
export function randomPassword(): string {
  let password = "";
  while (password.length < LENGTH) {
    const [byte = 0] = crypto.getRandomValues(new Uint8Array(1));
    // Bytes beyond the last whole multiple would make the first letters likelier.
    if (byte < 256 - (256 % LETTERS.length)) password += LETTERS[byte % LETTERS.length];
  }
  return password;
}

/** A password for somebody else: typed, or generated and copied. */
export function NewPassword({ label }: { label: string }) {
  const [password, setPassword] = useState("");
  const [generated, setGenerated] = useState(false);
  return (
    <Field name="password" label={label}>
      <div className="flex items-center gap-2">
        <Input
          type={generated ? "text" : "password"}
          required
          minLength={8}
          autoComplete="new-password"
          value={password}
          onChange={({ target }) => {
            setPassword(target.value);
            setGenerated(false);
          }}
          className={generated ? "font-mono" : undefined}
        />
        {generated && <CopyButton text={password} label="Copy password" />}
        <Button
          onClick={() => {
            setPassword(randomPassword());
            setGenerated(true);
          }}
        >
          Generate
        </Button>
      </div>
    </Field>
  );
}
