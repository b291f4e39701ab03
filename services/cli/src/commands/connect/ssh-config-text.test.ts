import {
  mergeSectionOptions,
  previousOptions,
  removeSection,
  renderSection,
  replaceSection,
  type SectionOptions,
} from "./ssh-config-text.js";

const render = (options: SectionOptions, serverOptions: string[] = []) =>
  renderSection({
    options,
    serverOptions,
    proxyCommand: (flag, value) => `coder ssh --stdio ${flag} ${value} %h`,
    prefix: "coder.",
    suffix: "coder",
  });

const OTHERS = "Host other\n  User x\n";

test("the section is appended, and later replaced in place", () => {
  const first = replaceSection(OTHERS, render({ sshOptions: [] }))!;
  expect(first).toMatch(/^Host other\n {2}User x\n\n# -+START-CODER/);
  const withMore = `${first}\nHost last\n`;
  const second = replaceSection(withMore, render({ sshOptions: ["ForwardAgent=yes"] }))!;
  expect(second.startsWith(OTHERS)).toBe(true);
  expect(second.endsWith("\nHost last\n")).toBe(true);
  expect(second.match(/START-CODER/g)).toHaveLength(1);
  expect(second).toContain("\tForwardAgent=yes\n");
  expect(replaceSection(second, render({ sshOptions: ["ForwardAgent=yes"] }))).toBe(second);
});

test("a section marker without its counterpart is left alone", () => {
  const section = render({ sshOptions: [] });
  const broken = section.replace(/# -+END-CODER-+/, "");
  expect(replaceSection(broken, section)).toBeUndefined();
  expect(replaceSection(`${section}\n${section}`, section)).toBeUndefined();
});

test("removing the section restores the file", () => {
  const section = render({ sshOptions: [] });
  expect(removeSection(replaceSection(OTHERS, section)!)).toBe(OTHERS);
  expect(removeSection(replaceSection("", section)!)).toBe("");
  expect(removeSection(`${replaceSection(OTHERS, section)}Host last\n`)).toBe(`${OTHERS}\nHost last\n`);
  expect(removeSection(OTHERS)).toBe(OTHERS);
  expect(removeSection(section.replace(/# -+END-CODER-+/, ""))).toBeUndefined();
});

test("a given option replaces only the remembered one of the same name", () => {
  const previous: SectionOptions = { sshOptions: ["ForwardAgent=yes", "LogLevel INFO"], wait: "yes" };
  const given: SectionOptions = { sshOptions: ["loglevel DEBUG"], wait: undefined, hostnameSuffix: "dev" };
  expect(mergeSectionOptions(previous, given)).toEqual({
    sshOptions: ["ForwardAgent=yes", "loglevel DEBUG"],
    wait: "yes",
    hostnameSuffix: "dev",
  });
});

test("the user's options are remembered, the deployment's are not", () => {
  const options: SectionOptions = {
    sshOptions: ["ForwardX11 yes", "ServerAliveInterval=5"],
    wait: "yes",
    sshHostPrefix: "w.",
    hostnameSuffix: "work",
    disableAutostart: true,
  };
  expect(previousOptions(render(options, ["ConnectTimeout 9"]))).toEqual(options);
  expect(previousOptions(OTHERS)).toBeUndefined();
});

test("the user's option overrides the deployment's, which overrides the default", () => {
  const section = render({ sshOptions: ["loglevel=DEBUG"] }, ["LogLevel INFO", "ConnectTimeout 9"]);
  const settings = section
    .split("\n")
    .filter((line) => /loglevel|connecttimeout/i.test(line) && line.startsWith("\t"));
  expect(settings).toEqual([
    "\tConnectTimeout 9",
    "\tloglevel=DEBUG",
    "\tConnectTimeout 9",
    "\tloglevel=DEBUG",
  ]);
});
