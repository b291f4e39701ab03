import { FleetError } from "@fleet/base";

export class AgentNotFound extends FleetError {
  constructor() {
    super("not_found", "Agent not found, or you do not have access to it.");
  }
}

/** The token is unknown, or the build that issued it has been replaced. */
export class AgentTokenInvalid extends FleetError {
  constructor() {
    super("unauthenticated", "This agent token is not valid, or its workspace has been stopped or rebuilt.");
  }
}
