import { FleetError } from "@fleet/base";

/** Limits of a user's secrets: all of them are in the environment and the manifest of each workspace. */
export const SECRET_LIMITS = {
  count: 50,
  valueBytes: 32 * 1024,
  totalBytes: 200 * 1024,
  /** Of all variables, with their names: the environment of a process has to have room for others. */
  envBytes: 48 * 1024,
} as const;

export type SecretFields = {
  name: string;
  description: string;
  envName: string;
  filePath: string;
  enabled: boolean;
};

const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Variables that decide how programs start and who they are: a wrong value would lock its user out. */
const RESERVED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|PWD|TERM|LANG|IFS|CDPATH|ENV|BASH_ENV|PROMPT_COMMAND|TMPDIR|DISPLAY|NODE_OPTIONS|GIT_ASKPASS|GIT_SSH|GIT_SSH_COMMAND|VSCODE_PROXY_URI|SYSTEMROOT|COMSPEC|PATHEXT)$|^(CODER|LD_|DYLD_|SSH_|LC_|XDG_|BASH_FUNC_)/i;

/** @throws invalid_argument that names the field. */
export function checkSecret({ name, envName, filePath, enabled }: SecretFields): void {
  if (!NAME.test(name)) {
    refuse(
      "name",
      'May contain letters, digits, ".", "-" and "_" only, must start with a letter or digit, and be at most 64 characters long.',
    );
  }
  if (envName !== "" && !VARIABLE.test(envName)) {
    refuse(
      "env_name",
      "Must be a variable name: letters, digits and underscores, not starting with a digit.",
    );
  }
  if (RESERVED.test(envName)) refuse("env_name", `"${envName}" is reserved. Choose another name.`);
  if (filePath !== "" && !/^(~\/|\/).*[^/]$/.test(filePath)) {
    refuse("file_path", 'Must be the path of a file that starts with "~/" or "/".');
  }
  if (filePath.split("/").includes("..")) refuse("file_path", 'Must not contain "..".');
  if (enabled && envName === "" && filePath === "") {
    refuse(
      "enabled",
      "An enabled secret needs an environment variable or a file. Set one, or disable the secret.",
    );
  }
}

/** @throws invalid_argument. */
export function checkValue(value: string): void {
  if (value === "") refuse("value", "Must not be empty.");
  if (Buffer.byteLength(value) > SECRET_LIMITS.valueBytes) {
    refuse("value", `Must be at most ${SECRET_LIMITS.valueBytes / 1024} KiB.`);
  }
}

export function refuse(field: string, detail: string): never {
  throw new FleetError("invalid_argument", `Invalid secret: ${field}. ${detail}`, {
    validations: [{ field, detail }],
  });
}
