// The text of docs/settings.md, from the programs' declarations. Bundled and run by settings.mjs.
import { type Settings, shownEntries } from "../../packages/base/src/settings/index.js";
import { settings as agent } from "../../services/agent/src/config.js";
import { settings as server } from "../../services/cli/src/server/config.js";
import { settings as coderd } from "../../services/coderd/src/config.js";
import { settings as provisionerd } from "../../services/provisionerd/src/config.js";
import { settings as proxy } from "../../services/proxy/src/config.js";

const PROGRAMS: Settings[] = [server, coderd, provisionerd, proxy, agent] as Settings[];

const INTRODUCTION = `# Settings

Every setting is an environment variable. A program refuses to start with a value that it cannot use, and names all of
them at once; \`--help\` prints the same list. \`coder server\` passes its environment on to the services that it starts.

Generated from each program's \`config.ts\` by \`make gen\`.
`;

function section({ program, declared }: Settings): string {
  const [name, description] = program.split(/: (.*)/s) as [string, string];
  const rows = shownEntries(Object.entries(declared)).map(([env, setting]) => {
    const unset = setting.required ? "*required*" : (setting.defaultHelp ?? code(setting.default ?? ""));
    return `| \`${env}\` | ${setting.type.replaceAll("|", "\\|")} | ${unset} | ${setting.help.replaceAll("|", "\\|")} |`;
  });
  return [
    `## ${name}`,
    "",
    `${description.charAt(0).toUpperCase()}${description.slice(1)}.`,
    "",
    "| variable | type | default | |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

process.stdout.write([INTRODUCTION, ...PROGRAMS.map(section)].join("\n"));
