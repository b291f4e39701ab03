import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "../../context.js";
import { readPolicies } from "./file.js";

const context = {} as Context;
const RULE = "mode: deny\nexpression: cost.after > 1\nmessage: No.\n";

async function read(text: string) {
  const folder = await mkdtemp(join(tmpdir(), "policies-"));
  try {
    const file = join(folder, "p.yaml");
    await writeFile(file, text);
    return await readPolicies(context, file).catch((error: Error) => error.message.replaceAll(file, "FILE"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("each document is a policy, and empty ones are skipped", async () => {
  expect(await read(`---\nname: a\n${RULE}---\nname: b\ntransitions: [start, stop]\n${RULE}---\n`)).toEqual([
    { name: "a", mode: "deny", expression: "cost.after > 1", message: "No." },
    { name: "b", mode: "deny", expression: "cost.after > 1", message: "No.", transitions: ["start", "stop"] },
  ]);
});

test.each([
  ["", "FILE has no policy."],
  ["# nothing\n", "FILE has no policy."],
  ["name: [a\n", /^FILE is not YAML: .*line 2.*\.$/],
  ["- name: a\n", "FILE is invalid: policy 1 is not a map of keys to values."],
  [
    `name: a\n${RULE}mesage: x\n`,
    /^FILE is invalid: policy "a" has an unknown key "mesage"\. Valid keys: name, /,
  ],
  ["name: a\nmode: deny\nmessage: No.\n", 'FILE is invalid: policy "a" needs "expression", a text.'],
  [`name: a\n${RULE}---\nname: A\n${RULE}`, 'FILE has two policies named "a".'],
])("%j is refused", async (text, message) => {
  expect(await read(text)).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
});

test("a file that cannot be read is named", async () => {
  await expect(readPolicies(context, "/nowhere/p.yaml")).rejects.toMatchObject({
    code: "invalid_argument",
    message: "Could not read /nowhere/p.yaml.",
  });
});
