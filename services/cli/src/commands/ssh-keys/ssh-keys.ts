import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { errorMessage, FleetError } from "@fleet/base";
import type { UserSshKey } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import { isPiped, readPiped } from "../../ui/piped.js";
import { askConsent } from "../../ui/prompt.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";

const me = { user: "me" };

export function sshKeysCommand(context: Context): Command {
  return new Command("ssh-keys")
    .alias("ssh-key")
    .summary("Manage the keys of your SSH clients")
    .description(
      "Manage the public keys with which your SSH clients connect to workspaces without this program, for example: ssh -J ana@coder.example.com:2222 WORKSPACE",
    )
    .addCommand(addCommand(context))
    .addCommand(listCommand(context))
    .addCommand(removeCommand(context));
}

function addCommand(context: Context): Command {
  return new Command("add")
    .summary("Register a public key")
    .description(
      "Register a public key. It is read from the file, or from standard input; without either, the only public key in ~/.ssh is used.",
    )
    .argument("[file]", "File of the public key, for example ~/.ssh/id_ed25519.pub")
    .option("--name <name>", "Name of the key; defaults to its comment")
    .action(async (file: string | undefined, { name }: { name?: string }) => {
      const { client } = await context.session();
      const public_key = await publicKeyOf(context, file);
      const key = await client.userSshKeyCreate({ params: me, body: { public_key, ...(name && { name }) } });
      context.note(`Added SSH key ${key.name} (${key.fingerprint}).`);
    });
}

function listCommand(context: Context): Command {
  return withListOutput(
    new Command("list").alias("ls").description("List your registered public keys"),
    columns(context),
  ).action(async (options: OutputOptions) => {
    const { client } = await context.session();
    printList(context, options, columns(context), await client.userSshKeyList({ params: me }));
  });
}

function removeCommand(context: Context): Command {
  return new Command("remove")
    .aliases(["delete", "rm"])
    .description("Remove a public key; connections that were opened with it end")
    .argument("<key>", "Name, fingerprint or ID of the key")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (text: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      const keys = await client.userSshKeyList({ params: me });
      const key = keys.find(({ id, name, fingerprint }) => [id, name, fingerprint].includes(text));
      if (!key)
        throw new FleetError(
          "not_found",
          `SSH key ${text} not found. List your keys with: coder ssh-keys list`,
        );
      await askConsent(context, `Remove the SSH key ${key.name}?`, yes);
      await client.userSshKeyDelete({ params: { ...me, sshKey: key.id } });
      context.note(`Removed SSH key ${key.name}.`);
    });
}

function columns(context: Context): Column<UserSshKey>[] {
  const { clock } = context;
  return [
    { name: "name", text: ({ name }) => name },
    { name: "fingerprint", text: ({ fingerprint }) => fingerprint },
    { name: "added", text: ({ created_at }) => ago(created_at, clock.now()) },
    {
      name: "last used",
      text: ({ last_used_at }) => (last_used_at ? ago(last_used_at, clock.now()) : "never"),
    },
    { name: "id", extra: true, text: ({ id }) => id },
    { name: "type", extra: true, text: ({ public_key }) => public_key.split(" ")[0]! },
  ];
}

async function publicKeyOf(context: Context, file: string | undefined): Promise<string> {
  if (file !== undefined) return readKey(file);
  if (isPiped(context)) {
    const silent = new FleetError(
      "invalid_argument",
      "Standard input is open but sends nothing. Name the file.",
    );
    const piped = (await readPiped(context, silent)).toString("utf8");
    if (piped.trim() !== "") return piped;
  }
  const folder = join(context.io.env.HOME ?? homedir(), ".ssh");
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".pub")).sort();
  if (names.length === 1) return readKey(join(folder, names[0]!));
  throw new FleetError(
    "invalid_argument",
    names.length === 0
      ? `There is no public key in ${folder}. Create one with ssh-keygen, or name its file.`
      : `There are several public keys in ${folder}. Name one of them: ${names.join(", ")}`,
  );
}

async function readKey(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new FleetError("invalid_argument", `Cannot read ${basename(file)}: ${errorMessage(cause)}.`, {
      cause,
    });
  }
}
