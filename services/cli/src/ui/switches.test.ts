import { Command, Option } from "commander";
import { acceptSwitchValues } from "./switches.js";

function parsed(args: string[], env: Record<string, string> = {}): object {
  const command = new Command("x")
    .addOption(new Option("--fast").env("CODER_TEST_FAST"))
    .option("--name <name>")
    .argument("[words...]");
  acceptSwitchValues(command, env);
  Object.assign(process.env, env);
  try {
    return command.parse(args, { from: "user" }).opts();
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
  }
}

test("a boolean flag can have a value", () => {
  expect(parsed(["--fast=true"])).toEqual({ fast: true });
  expect(parsed(["--fast=false", "--name=false"])).toEqual({ name: "false" });
  expect(parsed(["--", "--fast=true"])).toEqual({});
});

test("a boolean flag is off if its variable says so", () => {
  for (const off of ["false", "0", ""]) expect(parsed([], { CODER_TEST_FAST: off })).toEqual({});
  for (const on of ["true", "1"]) expect(parsed([], { CODER_TEST_FAST: on })).toEqual({ fast: true });
});
