import { FleetError } from "@fleet/base";

export class SshKeyNotFound extends FleetError {
  constructor() {
    super("not_found", "SSH key not found.");
  }
}

export class SshKeyTaken extends FleetError {
  constructor(field: "name" | "public_key", detail: string) {
    super("already_exists", detail, { validations: [{ field, detail }] });
  }
}

/** The client's key is unknown, or belongs to another user: which of the two is not told. */
export class SshKeyUnknown extends FleetError {
  constructor() {
    super("unauthenticated", "The public key is not registered for this user.");
  }
}

export class SshSignInGone extends FleetError {
  constructor() {
    super("unauthenticated", "The sign-in was denied or has expired. Connect again.");
  }
}
