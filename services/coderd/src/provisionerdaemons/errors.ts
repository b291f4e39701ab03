import { FleetError } from "@fleet/base";

export class DaemonUnauthenticated extends FleetError {
  constructor() {
    super(
      "unauthenticated",
      "The provisioner's key is invalid or was deleted. Set CODER_PROVISIONER_DAEMON_PSK to the server's pre-shared key, or CODER_PROVISIONER_DAEMON_KEY to an existing key.",
    );
  }
}

export class DaemonForbidden extends FleetError {
  constructor() {
    super(
      "permission_denied",
      "You do not have permission to run provisioner daemons for this organization. Use a provisioner key, or run only your own jobs with --tag scope=user.",
    );
  }
}

/** A daemon of another product, which speaks another protocol. */
export class UpstreamDaemonRefused extends FleetError {
  constructor() {
    super(
      "invalid_argument",
      "This server accepts only its own provisioner daemons. Download its command line from /bin, and run `coder provisioner start` with it.",
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
