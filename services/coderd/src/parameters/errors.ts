import { type FieldViolation, FleetError } from "@fleet/base";

export class BadParameters extends FleetError {
  constructor(violations: readonly FieldViolation[]) {
    super(
      "invalid_argument",
      violations.length === 1 ? violations[0]!.detail : "Some parameters are not valid.",
      {
        validations: violations,
      },
    );
  }
}
