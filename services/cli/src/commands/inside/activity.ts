import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { basename } from "node:path";
import { errorMessage, FleetError, parseDuration } from "@fleet/base";
import type { ActivityHold, Client } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { ExitStatus } from "../../exit-status.js";
import { type OutputOptions, printJson, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { clockTime, until } from "../../ui/time.js";
import { agentClient } from "./agent-client.js";

/** How long the hold of a running command lasts if this program is killed, and how often it is renewed. */
const RENEWED_HOLD_MS = 15 * 60_000;
const RENEW_MS = 5 * 60_000;

export function activityCommand(context: Context): Command {
  const columns = holdColumns(context);
  return new Command("activity")
    .description("Keep the workspace running while a job needs it, from within the workspace")
    .addCommand(
      new HoldCommand("hold")
        .summary("Keep the workspace running for some time, or while a command runs")
        .description(
          "Keep the workspace running for some time, or while a command runs. Declaring a hold again changes its end. The workspace still stops when its template requires it.",
        )
        .usage("<name> --for <duration> | [name] -- <command...>")
        .argument("[name]", "What the workspace is needed for, such as training")
        .option("--for <duration>", "How long, such as 8h")
        .action((name: string | undefined, options: { for?: string }, command: Command) =>
          hold(context, name, options.for, (command as HoldCommand).program),
        ),
    )
    .addCommand(
      new Command("release")
        .description("Release a hold, or all of them")
        .argument("[name]", "Name of the hold")
        .action((name: string | undefined) => release(context, name)),
    )
    .addCommand(
      withListOutput(
        new Command("list").alias("ls").description("List what the workspace is held for"),
        columns,
      ).action(async (options: OutputOptions) => {
        const { holds } = await (await agentClient(context)).agentSelfHoldList();
        if (holds.length === 0 && options.output === "table") return context.note("No holds.");
        if (options.output === "json") return printJson(context, holds);
        printList(context, options, columns, holds);
      }),
    );
}

function holdColumns(context: Context): Column<ActivityHold>[] {
  return [
    { name: "name", text: ({ name }) => name },
    { name: "expires", text: ({ expires_at }) => until(expires_at, context.clock.now()) },
    { name: "expires at", extra: true, text: ({ expires_at }) => clockTime(expires_at) },
  ];
}

/** Leaves everything after `--` to the command that it runs. */
class HoldCommand extends Command {
  program: string[] = [];

  override parseOptions(argv: string[]) {
    const separator = argv.indexOf("--");
    if (separator < 0) return super.parseOptions(argv);
    this.program = argv.slice(separator + 1);
    return super.parseOptions(argv.slice(0, separator));
  }
}

async function hold(
  context: Context,
  name: string | undefined,
  duration: string | undefined,
  program: readonly string[],
): Promise<void> {
  const client = await agentClient(context);
  if (program.length > 0) {
    if (duration !== undefined)
      throw new FleetError("invalid_argument", "--for cannot be combined with a command.");
    return holdWhile(context, client, name ?? `${basename(program[0]!)} (${process.pid})`, program);
  }
  if (name === undefined || duration === undefined) {
    throw new FleetError(
      "invalid_argument",
      "Pass a name and --for <duration>, or a command. Examples: coder activity hold training --for 8h; coder activity hold -- make test",
    );
  }
  const { expires_at } = await declare(client, name, parseDuration(duration));
  context.note(`The workspace keeps running for "${name}" until ${clockTime(expires_at)}.`);
}

const declare = (client: Client, name: string, duration_ms: number) =>
  client.agentSelfHoldSet({ body: { name, duration_ms } });

/** Runs the command, and ends as it ends. */
async function holdWhile(
  context: Context,
  client: Client,
  name: string,
  [file, ...args]: readonly string[],
): Promise<void> {
  await declare(client, name, RENEWED_HOLD_MS);
  const renew = () =>
    declare(client, name, RENEWED_HOLD_MS).catch((error) =>
      context.note(`Could not renew the hold "${name}": ${errorMessage(error)}`),
    );
  const timer = context.clock.every(RENEW_MS, () => void renew());
  try {
    const child = spawn(file!, args, { stdio: "inherit", env: context.io.env as NodeJS.ProcessEnv });
    // Ctrl-C reaches the command by itself, but not what asks this program to end.
    const stop = () => child.kill("SIGTERM");
    context.signal.addEventListener("abort", stop, { once: true });
    const [code, signal] = (await once(child, "close").catch((cause) => {
      throw new FleetError("not_found", `Could not run ${file}: ${errorMessage(cause)}.`, { cause });
    })) as [number | null, NodeJS.Signals | null];
    const status = code ?? 128 + constants.signals[signal!];
    if (status !== 0) throw new ExitStatus(status);
  } finally {
    timer.cancel();
    // It expires by itself, too.
    await client.agentSelfHoldRelease({ query: { name } }).catch(() => {});
  }
}

async function release(context: Context, name: string | undefined): Promise<void> {
  const client = await agentClient(context);
  const { holds } = await client.agentSelfHoldRelease({ query: name === undefined ? {} : { name } });
  if (holds.length > 0) return context.note(`Released ${holds.map((one) => one.name).join(", ")}.`);
  if (name !== undefined) throw new FleetError("not_found", `There is no hold named "${name}".`);
  context.note("No holds.");
}
