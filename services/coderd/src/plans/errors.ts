import { FleetError } from "@fleet/base";

export class PlanNotFound extends FleetError {
  constructor() {
    super("not_found", "Plan not found, or you do not have access to it.");
  }
}

export class TooManyPlans extends FleetError {
  constructor() {
    super(
      "resource_exhausted",
      "Several plans of this workspace are already running. Wait for them to finish, or cancel them.",
    );
  }
}

export class VersionNotPlannable extends FleetError {
  constructor(detail: string) {
    super("invalid_argument", detail, { validations: [{ field: "template_version_id", detail }] });
  }
}
