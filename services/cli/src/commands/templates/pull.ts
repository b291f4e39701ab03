import { mkdir, readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { findTemplate } from "./find.js";

type Options = { version: string; tar?: boolean; zip?: boolean; yes?: boolean; org?: string };

export function templatePullCommand(context: Context): Command {
  return new Command("pull")
    .description("Download a template's files")
    .argument("<template>")
    .argument("[folder]", "folder to write to; one of the template's name when left out")
    .option("--version <name>", 'version, or "active"', "active")
    .option("--tar", "write a tar to standard output instead")
    .option("--zip", "write a zip to standard output instead")
    .option("-O, --org <organization>", "organization")
    .option("-y, --yes", "do not ask")
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
  const { client } = await context.session();
  const template = await findTemplate(context, name, options.org);
  const version =
    options.version === "active"
      ? await client.templateVersionGet({ params: { version: template.active_version_id } })
      : await client.templateVersionGetByName({
          params: { template: template.id, versionName: options.version },
        });
  const query = options.zip ? { format: "zip" as const } : {};
  const response = await client.fileDownload({ params: { file: version.job.file_id }, query });
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (options.tar || options.zip) return void context.io.stdout.write(bytes);

  const { readArchive, writeEntries } = await import("@fleet/provisionersdk/archive");
  const target = resolve(folder ?? name);
  const entries = await readArchive(bytes, response.headers.get("content-type") ?? "application/x-tar");
  await mkdir(target, { recursive: true });
  if ((await readdir(target)).length > 0) {
    await askConsent(context, `${target} is not empty. Write over what has the same name?`, options.yes);
  }
  await writeEntries(entries, target);
  context.note(`The version ${version.name} of ${name} is in ${target}.`);
}
