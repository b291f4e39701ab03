import { readFile, writeFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { COMMAND_GROUPS, HIDDEN_COMMANDS } from "./commands.js";
import { type Context, createContext } from "./context.js";
import { createProgram } from "./program.js";
import { createTestCli } from "./testing/run.js";

const GOLDEN = new URL("./help.golden.txt", import.meta.url);

/** The help of all commands, in the program's order. */
function helpOf(command: Command, path: string): string {
  const own = `$ ${path} --help\n\n${command.helpInformation().trimEnd()}\n`;
  const shown = command.createHelp().visibleCommands(command);
  const below = shown.map((child) => helpOf(child, `${path} ${child.name()}`));
  return [own, ...below].join("\n");
}

let context: Context;
beforeEach(() => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  context = createContext({ env: { NO_COLOR: "1" }, stdin, stdout, stderr });
});
afterEach(() => context.close());

test("the help of every command matches the golden file (UPDATE_GOLDEN=1 writes it)", async () => {
  const help = helpOf(await createProgram(context), "coder");
  if (process.env.UPDATE_GOLDEN) await writeFile(GOLDEN, help);
  expect(help).toBe(await readFile(GOLDEN, "utf8"));
});

test("the names by which commands are loaded are their own", async () => {
  for (const { names, load } of [...COMMAND_GROUPS.flatMap(({ commands }) => commands), ...HIDDEN_COMMANDS]) {
    const command = await load(context);
    expect([command.name(), ...command.aliases()]).toEqual(names);
  }
});

test.each([
  [["--version"], []],
  [["ls"], ["list"]],
  [["--url", "https://coder.example.com", "-v", "list", "--all"], ["list"]],
  [["--header=a=b", "provisioners", "jobs", "list"], ["provisioner"]],
])("%j loads only what it needs", async (args, expected) => {
  const program = await createProgram(context, args);
  const shown = program.createHelp().visibleCommands(program);
  expect(shown.map((command) => command.name())).toEqual(expected);
});

test.each([[["--help"]], [["lst"]], [["man"]], [["__complete", "--", "cre"]], [[]]])(
  "%j loads every command",
  async (args) => {
    const all = COMMAND_GROUPS.reduce((sum, { commands }) => sum + commands.length, 0);
    const program = await createProgram(context, args);
    expect(program.createHelp().visibleCommands(program)).toHaveLength(all);
  },
);

test("every list can be printed as JSON and with chosen columns", async () => {
  const without: string[] = [];
  const walk = (command: Command, path: string) => {
    const flags = new Set(command.options.map(({ long }) => long));
    const isList = [command.name(), ...command.aliases()].some((name) => name === "list" || name === "ls");
    if (isList && !(flags.has("--output") && flags.has("--column"))) without.push(path);
    for (const child of command.commands) walk(child, `${path} ${child.name()}`);
  };
  walk(await createProgram(context), "coder");
  expect(without).toEqual([]);
});

test("upstream commands that are not built are refused with a message", async () => {
  await using cli = await createTestCli();
  const { status, stderr } = await cli.run(["wsproxy", "server", "--http-address", "a:1"]);
  expect(status).toBe(1);
  expect(stderr).toContain('"coder wsproxy server" is not supported. Run the proxy service');
});
