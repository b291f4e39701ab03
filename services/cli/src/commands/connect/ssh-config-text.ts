/** Markers of the section that config-ssh manages; the same as in existing installations. */
const START = "# ------------START-CODER-----------";
const END = "# ------------END-CODER------------";

/** Options of config-ssh besides what the server sends. Stored in the section for the next run. */
export type SectionOptions = {
  sshOptions: string[];
  sshHostPrefix?: string;
  hostnameSuffix?: string;
  wait?: string;
  disableAutostart?: boolean;
};

export type SectionInput = {
  options: SectionOptions;
  /** SSH options from the deployment; the user's own options override them. */
  serverOptions: readonly string[];
  /** The ProxyCommand for a host name prefix or suffix. */
  proxyCommand: (flag: "--ssh-host-prefix" | "--hostname-suffix", value: string) => string;
  prefix: string;
  suffix: string;
};

/** The whole section, including markers. */
export function renderSection({
  options,
  serverOptions,
  proxyCommand,
  prefix,
  suffix,
}: SectionInput): string {
  const lines = [
    START,
    "# This section is managed by coder. DO NOT EDIT.",
    "#",
    "# You should not hand-edit this section unless you are removing it, all",
    '# changes will be lost when running "coder config-ssh".',
    "#",
  ];
  const remembered = rememberOptions(options);
  if (remembered.length > 0) lines.push("# Last config-ssh options:", ...remembered, "#");
  const settings = [
    "ConnectTimeout=0",
    "StrictHostKeyChecking=no",
    // The tunnel is authenticated separately, and a name may refer to a different workspace after it is recreated.
    "UserKnownHostsFile=/dev/null",
    "LogLevel ERROR",
  ];
  const chosen = mergeOptions(mergeOptions(settings, serverOptions), options.sshOptions);
  if (prefix) {
    lines.push("", `Host ${prefix}*`, ...chosen.map(indent));
    lines.push(indent(`ProxyCommand ${proxyCommand("--ssh-host-prefix", prefix)}`));
  }
  if (suffix) {
    lines.push("", `Host *.${suffix}`, ...chosen.map(indent));
    lines.push(indent(`ProxyCommand ${proxyCommand("--hostname-suffix", suffix)}`));
  }
  lines.push("", END);
  return lines.join("\n");
}

function indent(line: string): string {
  return `\t${line}`;
}

/** Merges options; those of the second list override those of the first. */
function mergeOptions(ours: readonly string[], theirs: readonly string[]): string[] {
  const nameOf = (line: string) => line.split(/[\s=]/, 1)[0]!.toLowerCase();
  const given = new Set(theirs.map(nameOf));
  return [...ours.filter((line) => !given.has(nameOf(line))), ...theirs];
}

function rememberOptions(options: SectionOptions): string[] {
  const lines: string[] = [];
  if (options.wait && options.wait !== "auto") lines.push(`# :wait=${options.wait}`);
  if (options.sshHostPrefix !== undefined) lines.push(`# :ssh-host-prefix=${options.sshHostPrefix}`);
  if (options.hostnameSuffix !== undefined) lines.push(`# :hostname-suffix=${options.hostnameSuffix}`);
  if (options.disableAutostart) lines.push("# :disable-autostart=true");
  return [...lines, ...options.sshOptions.map((option) => `# :ssh-option=${option}`)];
}

/** Options stored in an existing section. */
export function previousOptions(config: string): SectionOptions | undefined {
  const section = splitConfig(config)?.section;
  if (section === undefined) return undefined;
  const options: SectionOptions = { sshOptions: [] };
  for (const [, name, value] of section.matchAll(/^# :([a-z-]+)=(.*)$/gm)) {
    if (name === "ssh-option") options.sshOptions.push(value!);
    else if (name === "wait") options.wait = value;
    else if (name === "ssh-host-prefix") options.sshHostPrefix = value;
    else if (name === "hostname-suffix") options.hostnameSuffix = value;
    else if (name === "disable-autostart") options.disableAutostart = value === "true";
  }
  return options;
}

/** Merges options; the given ones override the stored ones one by one. */
export function mergeSectionOptions(previous: SectionOptions, given: SectionOptions): SectionOptions {
  const isGiven = ([, value]: [string, unknown]) => value !== undefined;
  return {
    ...previous,
    ...Object.fromEntries(Object.entries(given).filter(isGiven)),
    sshOptions: mergeOptions(previous.sshOptions, given.sshOptions),
  };
}

/**
 * The configuration with its section replaced, or appended if there is none. Everything else is unchanged. Undefined if
 * the markers do not match; nothing should be written then.
 */
export function replaceSection(config: string, section: string): string | undefined {
  const starts = config.split(START).length - 1;
  const ends = config.split(END).length - 1;
  if (starts === 0 && ends === 0) {
    if (config.trim() === "") return `${section}\n`;
    return `${config.replace(/\n*$/, "\n\n")}${section}\n`;
  }
  const parts = starts === 1 && ends === 1 ? splitConfig(config) : undefined;
  return parts && `${parts.before}${section}${parts.after}`;
}

/**
 * The configuration without its section and the empty line before it. Unchanged if there is none; undefined if the
 * markers do not match.
 */
export function removeSection(config: string): string | undefined {
  if (!config.includes(START) && !config.includes(END)) return config;
  if (config.split(START).length !== 2 || config.split(END).length !== 2) return undefined;
  const parts = splitConfig(config);
  if (!parts) return undefined;
  const after = parts.after.replace(/^\n/, "");
  return after === "" ? parts.before.replace(/\n\n$/, "\n") : `${parts.before}${after}`;
}

function splitConfig(config: string): { before: string; section: string; after: string } | undefined {
  const start = config.indexOf(START);
  const end = config.indexOf(END);
  if (start < 0 || end < start) return undefined;
  return {
    before: config.slice(0, start),
    section: config.slice(start, end + END.length),
    after: config.slice(end + END.length),
  };
}
