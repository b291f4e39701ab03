import { FleetError } from "@fleet/base";

export class DaemonUnauthenticated extends FleetError {
  constructor() {
    super(
      "unauthenticated",
      "The provisioner's key is not valid. Set CODER_PROVISIONER_DAEMON_PSK to the server's, or CODER_PROVISIONER_DAEMON_KEY to a key that exists.",
    );
  }
}

export class ProvisionerKeyNotFound extends FleetError {
  constructor() {
    super("not_found", "There is no such provisioner key, or you may not see it.");
  }
}

export class ProvisionerKeyTaken extends FleetError {
  constructor(name: string) {
    const detail = `There is a provisioner key named "${name}" already. Choose another name.`;
    super("already_exists", detail, { validations: [{ field: "name", detail }] });
  }
}
