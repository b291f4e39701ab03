import { FleetError } from "@fleet/base";
import type { Violation } from "@fleet/parameters";

export class BadParameters extends FleetError {
  constructor(violations: readonly Violation[]) {
    const [first] = violations;
    super(
      "invalid_argument",
      violations.length === 1
        ? `Parameter "${first!.name}": ${first!.fault}`
        : `${violations.length} parameters are invalid.`,
      { validations: violations.map(({ name, fault }) => ({ field: name, detail: fault })) },
    );
  }
}
