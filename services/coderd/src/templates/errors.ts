import { FleetError } from "@fleet/base";

export class TemplateNotFound extends FleetError {
  constructor(field?: string) {
    const detail = "There is no such template, or you may not see it.";
    super("not_found", detail, field ? { validations: [{ field, detail }] } : {});
  }
}

export class TemplateNameTaken extends FleetError {
  constructor(name: string) {
    const detail = `There is a template named "${name}" already. Choose another name.`;
    super("already_exists", detail, { validations: [{ field: "name", detail }] });
  }
}

export class TemplateInUse extends FleetError {
  readonly workspaces: number;

  constructor(workspaces: number) {
    super(
      "failed_precondition",
      `${workspaces === 1 ? "A workspace of this template still exists. Delete it" : `${workspaces} workspaces of this template still exist. Delete them`}, then the template.`,
    );
    this.workspaces = workspaces;
  }
}

export class BadTemplate extends FleetError {
  constructor(field: string, detail: string) {
    super("invalid_argument", detail, { validations: [{ field, detail }] });
  }
}
