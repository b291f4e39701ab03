import { FleetError } from "@fleet/base";

export class TemplateNotFound extends FleetError {
  constructor(field?: string) {
    const detail = "Template not found, or you do not have access to it.";
    super("not_found", detail, field ? { validations: [{ field, detail }] } : {});
  }
}

export class TemplateNameTaken extends FleetError {
  constructor(name: string) {
    const detail = `A template named "${name}" already exists. Choose another name.`;
    super("already_exists", detail, { validations: [{ field: "name", detail }] });
  }
}

export class TemplateInUse extends FleetError {
  readonly workspaces: number;

  constructor(workspaces: number) {
    super(
      "failed_precondition",
      `${workspaces === 1 ? "One workspace still uses this template. Delete it" : `${workspaces} workspaces still use this template. Delete them`}, then delete the template.`,
    );
    this.workspaces = workspaces;
  }
}

export class BadTemplate extends FleetError {
  constructor(field: string, detail: string) {
    super("invalid_argument", detail, { validations: [{ field, detail }] });
  }
}
