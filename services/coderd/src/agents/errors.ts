import { FleetError } from "@fleet/base";

export class AgentNotFound extends FleetError {
  constructor() {
    super("not_found", "There is no such agent, or you may not see it.");
  }
}

/** The token is nobody's, or the build that made it has been replaced. */
export class AgentTokenInvalid extends FleetError {
  constructor() {
    super("unauthenticated", "This agent token is not valid, or its workspace has been stopped or rebuilt.");
  }
}
