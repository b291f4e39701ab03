import { type Argument, Command, type Option } from "commander";
import type { Context } from "../../context.js";

/** A word that fits, and what it is. */
type Candidate = { word: string; about?: string | undefined };

/** How long a lookup of names may take, in milliseconds: somebody waits with a finger on the Tab key. */
const LOOKUP_LIMIT_MS = 2_000;
/** Names that are offered at most. */
const NAMES_LIMIT = 200;

/**
 * What completion scripts call: prints the words that fit at the end of a command line, one a line, each followed by a
 * tab and its description. Prints nothing where any word or a file name fits.
 */
export function completeCommand(context: Context): Command {
  return new Command("__complete")
    .description("Print the words that complete a command line")
    .option("--next", "Complete a word that has not been begun")
    .argument("[words...]")
    .action(async (given: string[], { next }: { next?: boolean }, command: Command) => {
      const words = next ? [...given, ""] : given;
      const candidates = await candidatesFor(context, command.parent!, words).catch(() => []);
      const text = candidates.map(({ word, about }) => (about ? `${word}\t${about}` : word));
      if (text.length > 0) context.print(text.join("\n"));
    });
}

async function candidatesFor(
  context: Context,
  program: Command,
  words: readonly string[],
): Promise<Candidate[]> {
  const { earlier, current, prefix } = split(words);
  const { command, argument, option } = positionOf(program, earlier);
  const flag = /^(--[^=]+)=(.*)$/s.exec(current);
  const assigned = flag && optionOf(command, flag[1]!);
  if (assigned) {
    const values = await valuesOf(context, assigned, flag[2]!);
    return values.map(({ word, about }) => ({ word: `${prefix ? "" : `${flag[1]}=`}${word}`, about }));
  }
  if (option) return valuesOf(context, option, current);
  if (current.startsWith("-")) return startingWith(current, flagsOf(command));
  const below = command.createHelp().visibleCommands(command);
  if (below.length > 0 && argument === 0) {
    const names = below.map((child) => ({
      word: child.name(),
      about: child.summary() || child.description(),
    }));
    return startingWith(current, names.map(firstSentence));
  }
  return valuesOf(context, argumentAt(command, argument), current);
}

/** The words before the one to complete, and that one. `prefix`: the shell has split off its flag, as Bash does at "=". */
function split(words: readonly string[]): { earlier: string[]; current: string; prefix: boolean } {
  const joined: string[] = [];
  let prefix = false;
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    if (word !== "=" || !joined.at(-1)?.startsWith("--")) {
      joined.push(word);
      continue;
    }
    prefix = index >= words.length - 2;
    joined.push(`${joined.pop()}=${words[++index] ?? ""}`);
  }
  return { earlier: joined.slice(0, -1), current: joined.at(-1) ?? "", prefix };
}

/** What follows these words: a value of the option, or the command's argument with this index. */
function positionOf(program: Command, words: readonly string[]) {
  let command = program;
  let argument = 0;
  let option: Option | undefined;
  for (const word of words) {
    if (option) {
      option = undefined;
    } else if (word.startsWith("-")) {
      const named = optionOf(command, word);
      if (named?.required) option = named;
    } else {
      const child = argument === 0 ? command.commands.find((each) => isNamed(each, word)) : undefined;
      if (child) command = child;
      else argument++;
    }
  }
  return { command, argument, option };
}

function isNamed(command: Command, word: string): boolean {
  return command.name() === word || command.aliases().includes(word);
}

function optionOf(command: Command, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => flag === long || flag === short);
}

function argumentAt({ registeredArguments: known }: Command, index: number): Argument | undefined {
  const last = known.at(-1);
  return known[index] ?? (last?.variadic ? last : undefined);
}

function flagsOf(command: Command): Candidate[] {
  const own = command.createHelp().visibleOptions(command);
  return own.flatMap(({ long, description }) =>
    long ? [firstSentence({ word: long, about: description })] : [],
  );
}

function firstSentence({ word, about }: Candidate): Candidate {
  return { word, about: about?.split(/[.;]\s/, 1)[0] };
}

async function valuesOf(
  context: Context,
  place: Option | Argument | undefined,
  current: string,
): Promise<Candidate[]> {
  if (!place) return [];
  if (place.argChoices)
    return startingWith(
      current,
      place.argChoices.map((word) => ({ word })),
    );
  const kind = "long" in place ? place.attributeName() : place.name();
  const lookUp = LOOKUPS[kind];
  return lookUp ? startingWith(current, await lookUp(context, current)) : [];
}

function startingWith(current: string, candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(({ word }) => word.startsWith(current));
}

/** Names on the deployment, by the name of the argument or option. */
const LOOKUPS: Record<string, (context: Context, current: string) => Promise<Candidate[]>> = {
  async workspace(context, current) {
    const owner = /^([^/]+)\//.exec(current)?.[1];
    const { client, signal } = await quickClient(context);
    const query = { q: `owner:${owner ?? "me"}`, limit: NAMES_LIMIT };
    const { workspaces } = await client.workspaceList({ query, signal });
    return workspaces.map(({ name, owner_name, latest_build, template_name }) => ({
      word: owner ? `${owner_name}/${name}` : name,
      about: `${template_name}, ${latest_build.status}`,
    }));
  },
  copyParametersFrom: (context, current) => LOOKUPS.workspace!(context, current),
  async template(context) {
    const { client, signal } = await quickClient(context);
    const templates = await client.templateList({ signal });
    return templates
      .slice(0, NAMES_LIMIT)
      .map(({ name, display_name }) => ({ word: name, about: display_name || undefined }));
  },
  async org(context) {
    const { client, signal } = await quickClient(context);
    const organizations = await client.userOrganizationList({ params: { user: "me" }, signal });
    return organizations.map(({ name, display_name }) => ({ word: name, about: display_name }));
  },
  organization: (context, current) => LOOKUPS.org!(context, current),
};

/** A client without retries. */
async function quickClient(context: Context) {
  const { url, token } = await context.session();
  const client = await context.clientFor(url, token);
  return { client, signal: AbortSignal.timeout(LOOKUP_LIMIT_MS) };
}
