import { FleetError } from "@fleet/base";

export class SecretNotFound extends FleetError {
  constructor(name: string) {
    super("not_found", `Secret "${name}" not found.`);
  }
}

export class SecretTaken extends FleetError {
  constructor(field: "name" | "env_name" | "file_path", value: string) {
    const what = { name: "has this name", env_name: "sets this variable", file_path: "writes this file" }[
      field
    ];
    const detail = `Another secret already ${what}: "${value}".`;
    super("already_exists", detail, { validations: [{ field, detail }] });
  }
}
