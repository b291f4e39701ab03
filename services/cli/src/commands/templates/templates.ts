import { Command } from "commander";
import type { Context } from "../../context.js";
import { templateArchiveCommand } from "./archive.js";
import { templateDeleteCommand } from "./delete.js";
import { templateEditCommand } from "./edit.js";
import { templateInitCommand } from "./init.js";
import { templateLintCommand } from "./lint.js";
import { templateListCommand } from "./list.js";
import { templatePresetsCommand } from "./presets.js";
import { templatePullCommand } from "./pull.js";
import { templatePushCommand } from "./push.js";
import { templateRolloutCommand } from "./rollout.js";
import { templateTestCommand } from "./test.js";
import { templateVersionsCommand } from "./versions.js";

export function templatesCommand(context: Context): Command {
  return new Command("templates")
    .alias("template")
    .description("Manage templates")
    .addCommand(templateInitCommand(context))
    .addCommand(templateLintCommand(context))
    .addCommand(templateTestCommand(context))
    .addCommand(templatePushCommand(context))
    .addCommand(templatePullCommand(context))
    .addCommand(templateListCommand(context))
    .addCommand(templateEditCommand(context))
    .addCommand(templateDeleteCommand(context))
    .addCommand(templateArchiveCommand(context))
    .addCommand(templateVersionsCommand(context))
    .addCommand(templateRolloutCommand(context))
    .addCommand(templatePresetsCommand(context));
}
