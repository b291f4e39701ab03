import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { settings as agent } from "../../services/agent/src/config.js";
import { settings as server } from "../../services/cli/src/server/config.js";
import { settings as coderd } from "../../services/coderd/src/config.js";
import { settings as provisionerd } from "../../services/provisionerd/src/config.js";
import { settings as proxy } from "../../services/proxy/src/config.js";

// The rule: a setting that no code acts on must not be declared, so that it is rejected.

const ROOT = resolve(import.meta.dirname, "../..");

function sourcesOf(...folders: string[]): string {
  return folders
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((file) =>
        join(ROOT, folder, file),
      ),
    )
    .filter((file) => /\.ts$/.test(file) && !/\.test\.ts$|\/(testing|gen)\//.test(file))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
}

/** Declared so that unsupported values are rejected: the parser is what acts on it. */
const REFUSALS = ["CODER_AGENT_AUTH"];

/** The declared names whose value the sources never read. */
function unread(declared: Record<string, unknown>, sources: string): string[] {
  return Object.keys(declared).filter(
    (name) =>
      !REFUSALS.includes(name) && !new RegExp(`\\.${name}\\b|[{,]\\s*${name}: \\w+\\s*[,}]`).test(sources),
  );
}

test.each([
  ["coder server", server.declared, ["services/cli/src/server"]],
  ["coderd", coderd.declared, ["services/coderd/src", "packages/telemetry/src"]],
  ["provisionerd", provisionerd.declared, ["services/provisionerd/src", "packages/telemetry/src"]],
  ["proxy", proxy.declared, ["services/proxy/src", "packages/telemetry/src"]],
  ["coder agent", agent.declared, ["services/agent/src"]],
])("every setting of %s is read by code", (_program, declared, folders) => {
  expect(unread(declared, sourcesOf(...folders))).toEqual([]);
});

test("a setting that is only declared is found", () => {
  const sources =
    "const declared = { CODER_USED: text({}), CODER_UNUSED: text({}) };\nserve(config.CODER_USED);";
  expect(unread({ CODER_USED: 1, CODER_UNUSED: 1 }, sources)).toEqual(["CODER_UNUSED"]);
});
