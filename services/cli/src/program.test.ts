import { readFile, writeFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { createContext } from "./context.js";
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

test("the help of every command matches the golden file (UPDATE_GOLDEN=1 writes it)", async () => {
  const context = createContext({
    env: { NO_COLOR: "1" },
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
  });
  const help = helpOf(createProgram(context), "coder");
  await context.close();
  if (process.env.UPDATE_GOLDEN) await writeFile(GOLDEN, help);
  expect(help).toBe(await readFile(GOLDEN, "utf8"));
});

test("upstream commands that are not built are refused with a message", async () => {
  await using cli = await createTestCli();
  const { status, stderr } = await cli.run(["wsproxy", "server", "--http-address", "a:1"]);
  expect(status).toBe(1);
  expect(stderr).toContain('"coder wsproxy server" is not supported. Run the proxy service');
});
