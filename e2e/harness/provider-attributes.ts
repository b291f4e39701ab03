import type {
  DynamicParameter,
  ExternalAgentCredentials,
  Preset,
  RichParameter,
  Template,
  TemplateVersionExternalAuth,
  User,
  Workspace,
} from "@fleet/sdk";

/** What a fleet returns for a workspace of templates/every-attribute and for its template. */
export type Seen = {
  url: string;
  owner: User;
  template: Template;
  workspace: Workspace;
  /** The manifest of the agent `main`. */
  manifest: Manifest;
  /** Credentials of the external agent `outside`. */
  external: ExternalAgentCredentials;
  /** Contents of the owner's notifications, after that agent has reported that memory and disk are full. */
  inbox: string[];
  /** Status of that agent's request for its owner's Git SSH key. */
  gitSshKey: number;
  parameters: RichParameter[];
  form: DynamicParameter[];
  presets: Preset[];
  externalAuth: TemplateVersionExternalAuth[];
  /** Attributes of an instance in terraform's state, for the started and the stopped workspace. */
  state(address: string): Record<string, unknown>;
  stopped(address: string): Record<string, unknown>;
};

type Manifest = {
  environmentVariables: Record<string, string>;
  directory: string;
  motdFile: string;
  scripts: {
    id: string;
    displayName: string;
    script: string;
    timeoutSeconds: number;
    logPath: string;
    cron: string;
    after: { scriptId: string; anyOutcome: boolean }[];
  }[];
  devcontainers: { name: string; workspaceFolder: string; configPath: string; subagentId: string }[];
  resourcesMonitoring?: { memory: boolean; volumes: string[] } | undefined;
  apps: { slug: string; url: string; healthcheckUrl: string; healthcheckThreshold: number }[];
  metadata: {
    key: string;
    displayName: string;
    script: string;
    intervalSeconds: bigint;
    timeoutSeconds: bigint;
  }[];
};

/** The expected effect of an attribute: `of` the result `is` a value, or the import's log contains this warning. */
export type Row = { of(seen: Seen): unknown; is: unknown | ((seen: Seen) => unknown) } | { warned: string };

const GENERATED = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const is = (value: unknown, of: (seen: Seen) => unknown): Row => ({ of, is: value });
const state = (address: string, attribute: string, value: unknown): Row =>
  is(value, (seen) => seen.state(address)[attribute]);
const generated = (address: string) => state(address, "id", GENERATED);
const warned = (names: readonly string[], words: string): Record<string, Row> =>
  Object.fromEntries(names.map((name) => [name, { warned: words }]));

const resource = ({ workspace }: Seen) =>
  workspace.latest_build.resources.find(({ name }) => name === "machine")!;
const external = ({ workspace }: Seen) =>
  workspace.latest_build.resources.find(({ type }) => type === "coder_external_agent")!;
const devcontainer = ({ manifest }: Seen) => manifest.devcontainers[0]!;
const agent = (seen: Seen, name = "main") => resource(seen).agents!.find((one) => one.name === name)!;
const app = (seen: Seen, slug = "web") => agent(seen).apps.find((one) => one.slug === slug)!;
const script = (seen: Seen, name = "Nightly") =>
  agent(seen).scripts.find(({ display_name }) => display_name === name)!;
const told = ({ manifest }: Seen) => manifest.scripts.find(({ displayName }) => displayName === "Nightly")!;
/** What "Second" waits for, if it is "First". */
const order = ({ manifest }: Seen) => {
  const [first, second] = ["First", "Second"].map((name) =>
    manifest.scripts.find(({ displayName }) => displayName === name),
  );
  return second?.after.find(({ scriptId }) => scriptId === first?.id);
};
const load = ({ manifest }: Seen) => manifest.metadata.find(({ key }) => key === "load")!;
const health = ({ manifest }: Seen) => manifest.apps.find(({ slug }) => slug === "web")!;
const size = ({ parameters }: Seen) => parameters.find(({ name }) => name === "size")!;
const option = ({ parameters }: Seen) => parameters.find(({ name }) => name === "image")!.options[0]!;
const branch = ({ parameters }: Seen) => parameters.find(({ name }) => name === "branch")!;
const preset = ({ presets }: Seen) => presets[0]!;
const shown = (name: string, on: boolean) => is(on, (seen) => agent(seen).display_apps.includes(name));
/** It belongs to the agent whose ID it names. */
const belongs = (of: (seen: Seen) => unknown): Row => is(expect.anything(), of);

export const ATTRIBUTES: Readonly<Record<string, Row>> = {
  "coder_agent.api_key_scope": is(403, ({ gitSshKey }) => gitSshKey),
  "coder_agent.arch": is("arm64", (seen) => agent(seen).architecture),
  "coder_agent.auth": is("i-0123", (seen) => agent(seen, "cloud").instance_id),
  "coder_agent.connection_timeout": is(77, (seen) => agent(seen).connection_timeout_seconds),
  "coder_agent.dir": is(["/home/dev", "/home/dev"], (seen) => [
    agent(seen).directory,
    seen.manifest.directory,
  ]),
  "coder_agent.env": is(
    expect.stringMatching(/^hello/),
    (seen) => agent(seen).environment_variables.GREETING,
  ),
  "coder_agent.id": generated("coder_agent.main"),
  "coder_agent.init_script": is(true, (seen) =>
    String(seen.state("coder_agent.main").init_script).includes(seen.url),
  ),
  "coder_agent.motd_file": is("/etc/motd.dev", ({ manifest }) => manifest.motdFile),
  "coder_agent.order": is(["cloud", "main", "repo"], (seen) =>
    resource(seen).agents!.map(({ name }) => name),
  ),
  "coder_agent.os": is("linux", (seen) => agent(seen).operating_system),
  "coder_agent.shutdown_script": is(["echo stop", true], (seen) => {
    const { script: text, run_on_stop } = script(seen, "Shutdown Script");
    return [text, run_on_stop];
  }),
  "coder_agent.startup_script": is(["echo start", true], (seen) => {
    const { script: text, run_on_start } = script(seen, "Startup Script");
    return [text, run_on_start];
  }),
  "coder_agent.startup_script_behavior": is(
    true,
    (seen) => script(seen, "Startup Script").start_blocks_login,
  ),
  // Used to read the manifest.
  "coder_agent.token": state("coder_agent.main", "token", GENERATED),
  "coder_agent.troubleshooting_url": is(
    "https://example.com/help",
    (seen) => agent(seen).troubleshooting_url,
  ),
  "coder_agent.display_apps.port_forwarding_helper": shown("port_forwarding_helper", false),
  "coder_agent.display_apps.ssh_helper": shown("ssh_helper", false),
  "coder_agent.display_apps.vscode": shown("vscode", false),
  "coder_agent.display_apps.vscode_insiders": shown("vscode_insiders", true),
  "coder_agent.display_apps.web_terminal": shown("web_terminal", false),
  "coder_agent.metadata.display_name": is("Load", (seen) => load(seen).displayName),
  "coder_agent.metadata.interval": is(10n, (seen) => load(seen).intervalSeconds),
  "coder_agent.metadata.key": is("load", (seen) => load(seen).key),
  "coder_agent.metadata.order": is(["disk", "load"], ({ manifest }) =>
    manifest.metadata.map(({ key }) => key),
  ),
  "coder_agent.metadata.script": is("uptime", (seen) => load(seen).script),
  "coder_agent.metadata.timeout": is(3n, (seen) => load(seen).timeoutSeconds),
  "coder_agent.resources_monitoring.memory.enabled": is(
    true,
    ({ manifest }) => manifest.resourcesMonitoring?.memory,
  ),
  "coder_agent.resources_monitoring.memory.threshold": is(expect.stringContaining(" 80%"), ({ inbox }) =>
    inbox.find((content) => content.startsWith("Memory usage")),
  ),
  "coder_agent.resources_monitoring.volume.enabled": is(
    1,
    ({ manifest }) => manifest.resourcesMonitoring?.volumes.length,
  ),
  "coder_agent.resources_monitoring.volume.path": is(
    ["/home"],
    ({ manifest }) => manifest.resourcesMonitoring?.volumes,
  ),
  "coder_agent.resources_monitoring.volume.threshold": is(
    expect.stringContaining("/home (90%)"),
    ({ inbox }) => inbox.find((content) => content.startsWith("Disk usage")),
  ),

  "coder_agent_instance.agent_id": belongs((seen) => agent(seen, "cloud").instance_id),
  "coder_agent_instance.id": generated("coder_agent_instance.cloud"),
  "coder_agent_instance.instance_id": is("i-0123", (seen) => agent(seen, "cloud").instance_id),

  ...warned(
    [
      "coder_ai_task.app_id",
      "coder_ai_task.enabled",
      "coder_ai_task.id",
      "coder_ai_task.prompt",
      "coder_ai_task.sidebar_app.id",
    ],
    "coder_ai_task",
  ),

  "coder_app.agent_id": belongs(app),
  "coder_app.command": is("top", (seen) => app(seen, "shell").command),
  "coder_app.display_name": is("Web", (seen) => app(seen).display_name),
  "coder_app.external": is([true, false], (seen) => [app(seen, "docs").external, app(seen).external]),
  "coder_app.group": is("Servers", (seen) => app(seen).group),
  "coder_app.hidden": is(true, (seen) => app(seen).hidden),
  "coder_app.icon": is("/icon/web.svg", (seen) => app(seen).icon),
  "coder_app.id": generated("coder_app.web"),
  "coder_app.open_in": is("tab", (seen) => app(seen).open_in),
  "coder_app.order": is(["shell", "web", "docs"], (seen) => agent(seen).apps.map(({ slug }) => slug)),
  "coder_app.share": is("authenticated", (seen) => app(seen).sharing_level),
  "coder_app.slug": is("web", (seen) => health(seen).slug),
  "coder_app.subdomain": is([true, "web--main--dev--owner"], (seen) => {
    const { subdomain, subdomain_name } = app(seen);
    return [subdomain, subdomain_name];
  }),
  "coder_app.tooltip": is("Opens the **server**.", (seen) => app(seen).tooltip),
  "coder_app.url": is(["http://localhost:8080", "http://localhost:8080"], (seen) => [
    app(seen).url,
    health(seen).url,
  ]),
  "coder_app.healthcheck.interval": is(5, (seen) => app(seen).healthcheck!.interval),
  "coder_app.healthcheck.threshold": is(6, (seen) => health(seen).healthcheckThreshold),
  "coder_app.healthcheck.url": is("http://localhost:8080/healthz", (seen) => health(seen).healthcheckUrl),

  "coder_devcontainer.agent_id": belongs(devcontainer),
  "coder_devcontainer.config_path": is(
    ".devcontainer/devcontainer.json",
    (seen) => devcontainer(seen).configPath,
  ),
  "coder_devcontainer.id": generated("coder_devcontainer.repo"),
  "coder_devcontainer.subagent_id": is(true, (seen) => {
    const { id, parent_id, apps } = agent(seen, "repo");
    return id === devcontainer(seen).subagentId && parent_id === agent(seen).id && apps[0]!.slug === "inside";
  }),
  "coder_devcontainer.workspace_folder": is("/home/dev/repo", (seen) => devcontainer(seen).workspaceFolder),

  "coder_env.agent_id": belongs((seen) => agent(seen).environment_variables.GREETING),
  "coder_env.id": generated("coder_env.greeting"),
  "coder_env.merge_strategy": is("hello:world", ({ manifest }) => manifest.environmentVariables.GREETING),
  "coder_env.name": is(["GREETING"], (seen) => Object.keys(agent(seen).environment_variables)),
  "coder_env.value": is(
    expect.stringMatching(/world$/),
    (seen) => agent(seen).environment_variables.GREETING,
  ),

  "coder_external_agent.agent_id": is(["outside", true, true], (seen) => [
    external(seen).agents![0]!.name,
    seen.workspace.latest_build.has_external_agent,
    seen.external.agent_token === seen.state("coder_agent.outside").token,
  ]),
  "coder_external_agent.id": generated("coder_external_agent.outside"),

  "coder_metadata.daily_cost": is(12, (seen) => resource(seen).daily_cost),
  "coder_metadata.hide": is(true, (seen) => resource(seen).hide),
  "coder_metadata.icon": is("/icon/machine.svg", (seen) => resource(seen).icon),
  "coder_metadata.id": generated("coder_metadata.machine"),
  "coder_metadata.resource_id": is("machine", (seen) => resource(seen).name),
  "coder_metadata.item.is_null": is("", (seen) => resource(seen).metadata![1]!.value),
  "coder_metadata.item.key": is(["size", "none"], (seen) => resource(seen).metadata!.map(({ key }) => key)),
  "coder_metadata.item.sensitive": is(true, (seen) => resource(seen).metadata![0]!.sensitive),
  "coder_metadata.item.value": is("8", (seen) => resource(seen).metadata![0]!.value),

  "coder_script.agent_id": belongs(script),
  "coder_script.cron": is("0 0 3 * * *", (seen) => told(seen).cron),
  "coder_script.display_name": is("Nightly", (seen) => told(seen).displayName),
  "coder_script.icon": is(
    "/icon/moon.svg",
    (seen) => agent(seen).log_sources.find(({ display_name }) => display_name === "Nightly")?.icon,
  ),
  "coder_script.id": generated("coder_script.nightly"),
  "coder_script.log_path": is("/tmp/nightly.log", (seen) => told(seen).logPath),
  "coder_script.run_on_start": is(true, (seen) => script(seen).run_on_start),
  "coder_script.run_on_stop": is(true, (seen) => script(seen).run_on_stop),
  "coder_script.script": is("make nightly", (seen) => told(seen).script),
  "coder_script.start_blocks_login": is(true, (seen) => script(seen).start_blocks_login),
  "coder_script.timeout": is([60, 60e9], (seen) => [told(seen).timeoutSeconds, script(seen).timeout]),

  "coder_external_auth.access_token": state("coder_external_auth.github", "access_token", ""),
  "coder_external_auth.id": is("github", ({ externalAuth }) => externalAuth[0]!.id),
  "coder_external_auth.optional": is(true, ({ externalAuth }) => externalAuth[0]!.optional),

  "coder_parameter.default": is("2", (seen) => size(seen).default_value),
  "coder_parameter.description": is("How **large** it is.", (seen) => size(seen).description),
  "coder_parameter.display_name": is("Size", (seen) => size(seen).display_name),
  "coder_parameter.ephemeral": is(true, (seen) => branch(seen).ephemeral),
  "coder_parameter.form_type": is("slider", (seen) => size(seen).form_type),
  "coder_parameter.icon": is("/icon/size.svg", (seen) => size(seen).icon),
  "coder_parameter.id": generated("coder_parameter.size"),
  "coder_parameter.mutable": is(true, (seen) => size(seen).mutable),
  "coder_parameter.name": is("size", (seen) => size(seen).name),
  "coder_parameter.optional": is([false, true], ({ parameters }) => [
    parameters.find(({ name }) => name === "size")!.required,
    parameters.find(({ name }) => name === "image")!.required,
  ]),
  "coder_parameter.order": is(["image", "size", "branch"], ({ parameters }) =>
    parameters.map(({ name }) => name),
  ),
  "coder_parameter.styling": is(
    { label: "GiB" },
    ({ form }) => form.find(({ name }) => name === "size")?.styling,
  ),
  "coder_parameter.type": is("number", (seen) => size(seen).type),
  // From the preset.
  "coder_parameter.value": state("coder_parameter.size", "value", "8"),
  "coder_parameter.option.description": is("The stable one.", (seen) => option(seen).description),
  "coder_parameter.option.icon": is("/icon/debian.svg", (seen) => option(seen).icon),
  "coder_parameter.option.name": is("Debian", (seen) => option(seen).name),
  "coder_parameter.option.value": is("debian", (seen) => option(seen).value),
  "coder_parameter.validation.error": is("Lower-case letters only.", (seen) => branch(seen).validation_error),
  "coder_parameter.validation.max": is(8, (seen) => size(seen).validation_max),
  "coder_parameter.validation.max_disabled": is(undefined, (seen) => branch(seen).validation_max),
  "coder_parameter.validation.min": is(1, (seen) => size(seen).validation_min),
  "coder_parameter.validation.min_disabled": is(undefined, (seen) => branch(seen).validation_min),
  "coder_parameter.validation.monotonic": is("increasing", (seen) => size(seen).validation_monotonic),
  "coder_parameter.validation.regex": is("^[a-z]+$", (seen) => branch(seen).validation_regex),

  "coder_provisioner.arch": state("coder_provisioner.me", "arch", expect.stringMatching(/^(amd64|arm64)$/)),
  "coder_provisioner.id": generated("coder_provisioner.me"),
  "coder_provisioner.os": state("coder_provisioner.me", "os", "linux"),

  "coder_script_order.id": generated("coder_script_order.order"),
  "coder_script_order.rule.after": belongs((seen) => order(seen)),
  "coder_script_order.rule.phase": is(1, ({ manifest }) =>
    manifest.scripts.reduce((sum, { after }) => sum + after.length, 0),
  ),
  "coder_script_order.rule.requires": is(true, (seen) => order(seen)?.anyOutcome),
  "coder_script_order.rule.run": is(true, (seen) => order(seen) !== undefined),

  // The owner stores no secret: a start that needs one fails with the help message (data-sources/secret.ts).
  "coder_secret.env": is("LICENSE", (seen) => seen.stopped("coder_secret.env").env),
  "coder_secret.file": is("~/license", (seen) => seen.stopped("coder_secret.file").file),
  "coder_secret.help_message": is(
    "Store the license.",
    (seen) => seen.stopped("coder_secret.env").help_message,
  ),
  "coder_secret.id": is(GENERATED, (seen) => seen.stopped("coder_secret.env").id),
  "coder_secret.value": is("", (seen) => seen.stopped("coder_secret.env").value),

  "coder_task.enabled": state("coder_task.me", "enabled", false),
  "coder_task.id": generated("coder_task.me"),
  "coder_task.prompt": state("coder_task.me", "prompt", ""),

  "coder_workspace.access_port": state("coder_workspace.me", "access_port", ({ url }: Seen) =>
    Number(new URL(url).port),
  ),
  "coder_workspace.access_url": state("coder_workspace.me", "access_url", ({ url }: Seen) => url),
  "coder_workspace.id": state("coder_workspace.me", "id", ({ workspace }: Seen) => workspace.id),
  "coder_workspace.is_prebuild": state("coder_workspace.me", "is_prebuild", false),
  "coder_workspace.is_prebuild_claim": state("coder_workspace.me", "is_prebuild_claim", false),
  "coder_workspace.name": state("coder_workspace.me", "name", "dev"),
  "coder_workspace.prebuild_count": state("coder_workspace.me", "prebuild_count", 0),
  "coder_workspace.start_count": state("coder_workspace.me", "start_count", 1),
  "coder_workspace.template_id": state(
    "coder_workspace.me",
    "template_id",
    ({ template }: Seen) => template.id,
  ),
  "coder_workspace.template_name": state("coder_workspace.me", "template_name", "every"),
  "coder_workspace.template_version": state(
    "coder_workspace.me",
    "template_version",
    ({ workspace }: Seen) => workspace.latest_build.template_version_name,
  ),
  "coder_workspace.transition": is(["start", "stop"], (seen) => [
    seen.state("coder_workspace.me").transition,
    seen.stopped("coder_workspace.me").transition,
  ]),

  "coder_workspace_owner.email": state("coder_workspace_owner.me", "email", ({ owner }: Seen) => owner.email),
  "coder_workspace_owner.full_name": state(
    "coder_workspace_owner.me",
    "full_name",
    ({ owner }: Seen) => owner.name,
  ),
  "coder_workspace_owner.groups": state("coder_workspace_owner.me", "groups", ["Everyone"]),
  "coder_workspace_owner.id": state("coder_workspace_owner.me", "id", ({ owner }: Seen) => owner.id),
  "coder_workspace_owner.login_type": state("coder_workspace_owner.me", "login_type", "password"),
  "coder_workspace_owner.name": state("coder_workspace_owner.me", "name", "owner"),
  "coder_workspace_owner.oidc_access_token": state("coder_workspace_owner.me", "oidc_access_token", ""),
  "coder_workspace_owner.rbac_roles": state(
    "coder_workspace_owner.me",
    "rbac_roles",
    expect.arrayContaining([{ name: "owner", org_id: "" }]),
  ),
  "coder_workspace_owner.session_token": state(
    "coder_workspace_owner.me",
    "session_token",
    expect.any(String),
  ),
  "coder_workspace_owner.ssh_private_key": state(
    "coder_workspace_owner.me",
    "ssh_private_key",
    expect.stringContaining("PRIVATE KEY"),
  ),
  "coder_workspace_owner.ssh_public_key": state(
    "coder_workspace_owner.me",
    "ssh_public_key",
    expect.stringMatching(/^ssh-ed25519 /),
  ),

  "coder_workspace_preset.default": is(true, (seen) => preset(seen).Default),
  "coder_workspace_preset.description": is("For large builds.", (seen) => preset(seen).Description),
  "coder_workspace_preset.icon": is("/icon/large.svg", (seen) => preset(seen).Icon),
  "coder_workspace_preset.id": state("coder_workspace_preset.large", "id", "Large"),
  "coder_workspace_preset.name": is("Large", (seen) => preset(seen).Name),
  "coder_workspace_preset.parameters": is(
    expect.arrayContaining([
      { Name: "size", Value: "8" },
      { Name: "image", Value: "ubuntu" },
    ]),
    (seen) => preset(seen).Parameters,
  ),
  "coder_workspace_preset.prebuilds.instances": is(2, (seen) => preset(seen).DesiredPrebuildInstances),
  "coder_workspace_preset.prebuilds.expiration_policy.ttl": is(
    7200,
    (seen) => preset(seen).PrebuildTTLSeconds,
  ),
  "coder_workspace_preset.prebuilds.scheduling.timezone": is(
    "UTC",
    (seen) => preset(seen).PrebuildScheduling?.Timezone,
  ),
  "coder_workspace_preset.prebuilds.scheduling.schedule.cron": is(
    "* 8-18 * * 1-5",
    (seen) => preset(seen).PrebuildScheduling!.Schedules[0]!.Cron,
  ),
  "coder_workspace_preset.prebuilds.scheduling.schedule.instances": is(
    3,
    (seen) => preset(seen).PrebuildScheduling!.Schedules[0]!.Instances,
  ),

  "coder_workspace_tags.id": generated("coder_workspace_tags.tags"),
  "coder_workspace_tags.tags": is("fra", ({ workspace }) => workspace.latest_build.job.tags.zone),
};
