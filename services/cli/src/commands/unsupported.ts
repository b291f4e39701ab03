import { FleetError } from "@fleet/base";
import { Command } from "commander";

/** Upstream commands that are not supported, each with an alternative. */
const UNSUPPORTED: Record<string, string> = {
  "licenses add": "Every feature is available without a license.",
  "licenses delete": "There are no licenses: every feature is available without one.",
  tasks: "Create a workspace instead: coder create",
  "templates create": "Use: coder templates push <name>",
  "wsproxy server": "Run the proxy service with CODER_PROXY_SESSION_TOKEN set.",
  "server postgres-builtin-serve": "Use: coder server",
};

/** Adds a hidden command for each, with an error message instead of "unknown command". */
export function addUnsupported(program: Command): void {
  for (const [path, instead] of Object.entries(UNSUPPORTED)) {
    const names = path.split(" ");
    const name = names.pop()!;
    const parent = names.reduce<Command | undefined>(
      (command, each) => command?.commands.find((child) => child.name() === each),
      program,
    );
    const command = new Command(name)
      .argument("[arguments...]")
      .allowUnknownOption()
      .action(() => {
        throw new FleetError("unimplemented", `"coder ${path}" is not supported. ${instead}`);
      });
    parent?.addCommand(command, { hidden: true });
  }
}
