import type { Command } from "commander";
import type { Context } from "./context.js";

/** A command of the program, in a module that is loaded only when needed: most of the time to start is that of loading code. */
export type LazyCommand = {
  /** The command's name and its aliases. */
  names: readonly string[];
  load(context: Context): Promise<Command>;
  /** Describes other commands, and needs them: all, or those of the command line after its "--". */
  describes?: "all" | "line";
};

export type CommandGroup = { heading: string; commands: readonly LazyCommand[] };

/** All commands, in the order of the help. */
export const COMMAND_GROUPS: readonly CommandGroup[] = [
  {
    heading: "Workspaces:",
    commands: [
      {
        names: ["create"],
        load: async (context) => (await import("./commands/workspaces/create.js")).createCommand(context),
      },
      {
        names: ["list", "ls"],
        load: async (context) => (await import("./commands/workspaces/list.js")).listCommand(context),
      },
      {
        names: ["show"],
        load: async (context) => (await import("./commands/workspaces/show.js")).showCommand(context),
      },
      {
        names: ["start"],
        load: async (context) => (await import("./commands/workspaces/lifecycle.js")).startCommand(context),
      },
      {
        names: ["stop"],
        load: async (context) => (await import("./commands/workspaces/lifecycle.js")).stopCommand(context),
      },
      {
        names: ["restart"],
        load: async (context) => (await import("./commands/workspaces/lifecycle.js")).restartCommand(context),
      },
      {
        names: ["update"],
        load: async (context) => (await import("./commands/workspaces/lifecycle.js")).updateCommand(context),
      },
      {
        names: ["delete", "rm"],
        load: async (context) => (await import("./commands/workspaces/lifecycle.js")).deleteCommand(context),
      },
      {
        names: ["cancel"],
        load: async (context) => (await import("./commands/workspaces/lifecycle.js")).cancelCommand(context),
      },
      {
        names: ["rename"],
        load: async (context) => (await import("./commands/workspaces/settings.js")).renameCommand(context),
      },
      {
        names: ["sharing", "share"],
        load: async (context) => (await import("./commands/sharing/sharing.js")).sharingCommand(context),
      },
      {
        names: ["schedule"],
        load: async (context) => (await import("./commands/schedule/schedule.js")).scheduleCommand(context),
      },
      {
        names: ["autoupdate"],
        load: async (context) =>
          (await import("./commands/workspaces/settings.js")).autoupdateCommand(context),
      },
      {
        names: ["favorite", "fav", "favourite"],
        load: async (context) => (await import("./commands/workspaces/settings.js")).favoriteCommand(context),
      },
      {
        names: ["unfavorite", "unfav", "unfavourite"],
        load: async (context) =>
          (await import("./commands/workspaces/settings.js")).unfavoriteCommand(context),
      },
      {
        names: ["unpushed-work"],
        load: async (context) =>
          (await import("./commands/workspaces/unpushed-work.js")).unpushedWorkCommand(context),
      },
      {
        names: ["logs"],
        load: async (context) => (await import("./commands/workspaces/logs.js")).logsCommand(context),
      },
      {
        names: ["builds"],
        load: async (context) => (await import("./commands/workspaces/logs.js")).buildsCommand(context),
      },
      {
        names: ["external-workspaces"],
        load: async (context) =>
          (await import("./commands/workspaces/external.js")).externalWorkspacesCommand(context),
      },
      {
        names: ["state"],
        load: async (context) => (await import("./commands/state/state.js")).stateCommand(context),
      },
    ],
  },
  {
    heading: "Connect:",
    commands: [
      {
        names: ["ssh"],
        load: async (context) => (await import("./commands/connect/ssh.js")).sshCommand(context),
      },
      {
        names: ["config-ssh"],
        load: async (context) => (await import("./commands/connect/config-ssh.js")).configSshCommand(context),
      },
      {
        names: ["port-forward", "tunnel"],
        load: async (context) =>
          (await import("./commands/connect/port-forward.js")).portForwardCommand(context),
      },
      {
        names: ["ports", "port"],
        load: async (context) => (await import("./commands/ports/ports.js")).portsCommand(context),
      },
      {
        names: ["open"],
        load: async (context) => (await import("./commands/open/open.js")).openCommand(context),
      },
      {
        names: ["ping"],
        load: async (context) => (await import("./commands/connect/ping.js")).pingCommand(context),
      },
      {
        names: ["speedtest"],
        load: async (context) => (await import("./commands/connect/speedtest.js")).speedtestCommand(context),
      },
      {
        names: ["netcheck"],
        load: async (context) => (await import("./commands/connect/netcheck.js")).netcheckCommand(context),
      },
    ],
  },
  {
    heading: "Inside a workspace:",
    commands: [
      {
        names: ["stat"],
        load: async (context) => (await import("./commands/inside/stat.js")).statCommand(context),
      },
      {
        names: ["activity"],
        load: async (context) => (await import("./commands/inside/activity.js")).activityCommand(context),
      },
      {
        names: ["dotfiles"],
        load: async (context) => (await import("./commands/inside/dotfiles.js")).dotfilesCommand(context),
      },
      {
        names: ["external-auth"],
        load: async (context) =>
          (await import("./commands/inside/external-auth.js")).externalAuthCommand(context),
      },
      {
        names: ["gitssh"],
        load: async (context) => (await import("./commands/inside/gitssh.js")).gitSshCommand(context),
      },
    ],
  },
  {
    heading: "Templates and administration:",
    commands: [
      {
        names: ["templates", "template"],
        load: async (context) =>
          (await import("./commands/templates/templates.js")).templatesCommand(context),
      },
      {
        names: ["users", "user"],
        load: async (context) => (await import("./commands/users/users.js")).usersCommand(context),
      },
      {
        names: ["reset-password"],
        load: async (context) =>
          (await import("./commands/users/reset-password.js")).resetPasswordCommand(context),
      },
      {
        names: ["groups", "group"],
        load: async (context) => (await import("./commands/groups/groups.js")).groupsCommand(context),
      },
      {
        names: ["quotas", "quota"],
        load: async (context) => (await import("./commands/quotas/quotas.js")).quotasCommand(context),
      },
      {
        names: ["policy", "policies"],
        load: async (context) => (await import("./commands/policies/policies.js")).policyCommand(context),
      },
      {
        names: ["organizations", "organization", "org", "orgs"],
        load: async (context) =>
          (await import("./commands/organizations/organizations.js")).organizationsCommand(context),
      },
      {
        names: ["provisioner", "provisioners"],
        load: async (context) =>
          (await import("./commands/provisioners/provisioners.js")).provisionerCommand(context),
      },
      {
        names: ["wsproxy", "workspace-proxy"],
        load: async (context) => (await import("./commands/proxies/proxies.js")).proxiesCommand(context),
      },
      {
        names: ["prebuilds", "prebuild"],
        load: async (context) =>
          (await import("./commands/prebuilds/prebuilds.js")).prebuildsCommand(context),
      },
      {
        names: ["notifications", "notification"],
        load: async (context) =>
          (await import("./commands/notifications/notifications.js")).notificationsCommand(context),
      },
      {
        names: ["webhooks", "webhook"],
        load: async (context) => (await import("./commands/webhooks/webhooks.js")).webhooksCommand(context),
      },
      {
        names: ["audit"],
        load: async (context) => (await import("./commands/audit/audit.js")).auditCommand(context),
      },
      {
        names: ["connection-log"],
        load: async (context) => (await import("./commands/audit/audit.js")).connectionLogCommand(context),
      },
      {
        names: ["features"],
        load: async (context) => (await import("./commands/account/features.js")).featuresCommand(context),
      },
      {
        names: ["oauth2-provider"],
        load: async (context) =>
          (await import("./commands/oauth2-provider/oauth2-provider.js")).oauth2ProviderCommand(context),
      },
      {
        names: ["server"],
        load: async (context) => (await import("./commands/server.js")).serverCommand(context),
      },
    ],
  },
  {
    heading: "Account:",
    commands: [
      {
        names: ["login"],
        load: async (context) => (await import("./commands/account/login.js")).loginCommand(context),
      },
      {
        names: ["logout"],
        load: async (context) => (await import("./commands/account/logout.js")).logoutCommand(context),
      },
      {
        names: ["whoami"],
        load: async (context) => (await import("./commands/account/whoami.js")).whoamiCommand(context),
      },
      {
        names: ["secret", "secrets"],
        load: async (context) => (await import("./commands/secrets/secrets.js")).secretCommand(context),
      },
      {
        names: ["tokens", "token"],
        load: async (context) => (await import("./commands/tokens/tokens.js")).tokensCommand(context),
      },
      {
        names: ["publickey"],
        load: async (context) => (await import("./commands/account/publickey.js")).publicKeyCommand(context),
      },
      {
        names: ["ssh-keys", "ssh-key"],
        load: async (context) => (await import("./commands/ssh-keys/ssh-keys.js")).sshKeysCommand(context),
      },
      {
        names: ["support"],
        load: async (context) => (await import("./commands/support/bundle.js")).supportCommand(context),
      },
      {
        names: ["completion"],
        load: async (context) =>
          (await import("./commands/account/completion.js")).completionCommand(context),
      },
      {
        names: ["man"],
        describes: "all",
        load: async (context) => (await import("./commands/account/man.js")).manCommand(context),
      },
      {
        names: ["version"],
        load: async (context) => (await import("./commands/account/version.js")).versionCommand(context),
      },
    ],
  },
];

/** Commands that people do not call. */
export const HIDDEN_COMMANDS: readonly LazyCommand[] = [
  {
    names: ["__complete"],
    describes: "line",
    load: async (context) => (await import("./commands/account/complete.js")).completeCommand(context),
  },
  {
    names: ["licenses", "license"],
    load: async (context) => (await import("./commands/account/licenses.js")).licensesCommand(context),
  },
  {
    names: ["vscodessh"],
    load: async (context) => (await import("./commands/connect/vscodessh.js")).vscodeSshCommand(context),
  },
];
