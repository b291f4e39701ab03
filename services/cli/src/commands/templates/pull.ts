import { mkdir, readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { FleetError } from "@fleet/base";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { findTemplate } from "./find.js";

type Options = { version: string; tar?: boolean; zip?: boolean; yes?: boolean; org?: string };

export function templatePullCommand(context: Context): Command {
  return new Command("pull")
    .description("Download the files of a template")
    .argument("<template>")
    .argument("[directory]", "Directory to write to (default: the name of the template)")
    .option("--version <name>", 'Name of the version, or "active"', "active")
    .option("--tar", "Write a tar archive to standard output instead")
    .option("--zip", "Write a zip archive to standard output instead")
    .option("-O, --org <organization>", "Organization of the template")
    .option("-y, --yes", "Do not ask for confirmation")
    .action((name: string, folder: string | undefined, options: Options) =>
      pull(context, name, folder, options),
    );
}

async function pull(
  context: Context,
  name: string,
  folder: string | undefined,
  options: Options,
): Promise<void> {
  if (options.tar && options.zip) {
    throw new FleetError("invalid_argument", "--tar and --zip cannot be combined.");
  }
  const { client } = await context.session();
  const template = await findTemplate(context, name, options.org);
  const version =
    options.version === "active"
      ? await client.templateVersionGet({ params: { version: template.active_version_id } })
      : await client.templateVersionGetByName({
          params: { template: template.id, versionName: options.version },
        });
  const query = options.zip ? { format: "zip" as const } : {};
  if ((options.tar || options.zip) && context.io.stdout.isTTY) {
    throw new FleetError(
      "invalid_argument",
      "Refusing to write an archive to a terminal. Redirect it to a file.",
    );
  }
  const response = await client.fileDownload({ params: { file: version.job.file_id }, query });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const type = response.headers.get("content-type") ?? "application/x-tar";
  if (options.tar && !type.startsWith("application/x-tar")) {
    throw new FleetError("failed_precondition", "This version was uploaded as a zip. Use --zip.");
  }
  if (options.tar || options.zip) return writeOut(context, bytes);

  const { readArchive, writeEntries } = await import("@fleet/provisionersdk/archive");
  const target = resolve(folder ?? name);
  const entries = await readArchive(bytes, type);
  await mkdir(target, { recursive: true });
  if ((await readdir(target)).length > 0) {
    await askConsent(context, `${target} is not empty. Overwrite files of the same name?`, options.yes);
  }
  await writeEntries(entries, target, { ownerOnly: false });
  context.note(`Downloaded version ${version.name} of ${name} to ${target}.`);
}

function writeOut(context: Context, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    context.io.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
