import { REVISION, VERSION } from "@fleet/base";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printJson, withTextOutput } from "../../ui/output.js";

/** Editors search for the word before the version. */
export const VERSION_TEXT = `Coder ${VERSION} (${REVISION})`;

/** Editors parse the JSON to check compatibility: nothing else may be printed with it. */
export function versionCommand(context: Context): Command {
  return withTextOutput(new Command("version").description("Print the version")).action(
    ({ output }: OutputOptions) => {
      if (output === "json") {
        return printJson(context, {
          version: VERSION,
          revision: REVISION,
          build_time: "",
          external_url: "",
          slim: true,
          agpl: false,
          boring_crypto: false,
        });
      }
      context.print(VERSION_TEXT);
    },
  );
}
