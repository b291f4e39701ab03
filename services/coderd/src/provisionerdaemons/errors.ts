import { FleetError } from "@fleet/base";

export class DaemonUnauthenticated extends FleetError {
  constructor() {
    super(
      "unauthenticated",
      "The provisioner's key is invalid. Set CODER_PROVISIONER_DAEMON_PSK to the server's pre-shared key, or CODER_PROVISIONER_DAEMON_KEY to an existing key.",
    );
  }
}

export class ProvisionerKeyNotFound extends FleetError {
  constructor() {
    super("not_found", "Provisioner key not found, or you do not have access to it.");
  }
}

export class ProvisionerKeyTaken extends FleetError {
  constructor(name: string) {
    const detail = `A provisioner key named "${name}" already exists. Choose another name.`;
    super("already_exists", detail, { validations: [{ field: "name", detail }] });
  }
}
