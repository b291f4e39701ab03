import { VERSION } from "@fleet/base";
import { Command } from "commander";
import { completionCommand } from "./commands/account/completion.js";
import { featuresCommand } from "./commands/account/features.js";
import { loginCommand } from "./commands/account/login.js";
import { logoutCommand } from "./commands/account/logout.js";
import { publicKeyCommand } from "./commands/account/publickey.js";
import { VERSION_TEXT, versionCommand } from "./commands/account/version.js";
import { whoamiCommand } from "./commands/account/whoami.js";
import { auditCommand, connectionLogCommand } from "./commands/audit/audit.js";
import { configSshCommand } from "./commands/connect/config-ssh.js";
import { netcheckCommand } from "./commands/connect/netcheck.js";
import { pingCommand } from "./commands/connect/ping.js";
import { portForwardCommand } from "./commands/connect/port-forward.js";
import { speedtestCommand } from "./commands/connect/speedtest.js";
import { sshCommand } from "./commands/connect/ssh.js";
import { vscodeSshCommand } from "./commands/connect/vscodessh.js";
import { groupsCommand } from "./commands/groups/groups.js";
import { dotfilesCommand } from "./commands/inside/dotfiles.js";
import { externalAuthCommand } from "./commands/inside/external-auth.js";
import { gitSshCommand } from "./commands/inside/gitssh.js";
import { statCommand } from "./commands/inside/stat.js";
import { notificationsCommand } from "./commands/notifications/notifications.js";
import { oauth2ProviderCommand } from "./commands/oauth2-provider/oauth2-provider.js";
import { openCommand } from "./commands/open/open.js";
import { organizationsCommand } from "./commands/organizations/organizations.js";
import { policyCommand } from "./commands/policies/policies.js";
import { provisionerCommand } from "./commands/provisioners/provisioners.js";
import { proxiesCommand } from "./commands/proxies/proxies.js";
import { scheduleCommand } from "./commands/schedule/schedule.js";
import { secretCommand } from "./commands/secrets/secrets.js";
import { serverCommand } from "./commands/server.js";
import { sharingCommand } from "./commands/sharing/sharing.js";
import { stateCommand } from "./commands/state/state.js";
import { supportCommand } from "./commands/support/bundle.js";
import { templatesCommand } from "./commands/templates/templates.js";
import { tokensCommand } from "./commands/tokens/tokens.js";
import { addUnsupported } from "./commands/unsupported.js";
import { resetPasswordCommand } from "./commands/users/reset-password.js";
import { usersCommand } from "./commands/users/users.js";
import { webhooksCommand } from "./commands/webhooks/webhooks.js";
import { createCommand } from "./commands/workspaces/create.js";
import { externalWorkspacesCommand } from "./commands/workspaces/external.js";
import {
  cancelCommand,
  deleteCommand,
  restartCommand,
  startCommand,
  stopCommand,
  updateCommand,
} from "./commands/workspaces/lifecycle.js";
import { listCommand } from "./commands/workspaces/list.js";
import { buildsCommand, logsCommand } from "./commands/workspaces/logs.js";
import {
  autoupdateCommand,
  favoriteCommand,
  renameCommand,
  unfavoriteCommand,
} from "./commands/workspaces/settings.js";
import { showCommand } from "./commands/workspaces/show.js";
import type { Context } from "./context.js";
import { addGlobalOptions, globalsOf } from "./globals.js";
import { acceptSwitchValues } from "./ui/switches.js";

/** The whole command line. */
export function createProgram(context: Context): Command {
  const program = new Command("coder")
    .description(`Coder ${VERSION}: development environments on your own infrastructure`)
    .version(VERSION_TEXT, "--version", "Print the version and exit")
    .enablePositionalOptions()
    .showHelpAfterError("(see --help)");

  addGroup(program, "Workspaces:", [
    createCommand(context),
    listCommand(context),
    showCommand(context),
    startCommand(context),
    stopCommand(context),
    restartCommand(context),
    updateCommand(context),
    deleteCommand(context),
    cancelCommand(context),
    renameCommand(context),
    sharingCommand(context),
    scheduleCommand(context),
    autoupdateCommand(context),
    favoriteCommand(context),
    unfavoriteCommand(context),
    logsCommand(context),
    buildsCommand(context),
    externalWorkspacesCommand(context),
    stateCommand(context),
  ]);
  addGroup(program, "Connect:", [
    sshCommand(context),
    configSshCommand(context),
    portForwardCommand(context),
    openCommand(context),
    pingCommand(context),
    speedtestCommand(context),
    netcheckCommand(context),
  ]);
  addGroup(program, "Inside a workspace:", [
    statCommand(context),
    dotfilesCommand(context),
    externalAuthCommand(context),
    gitSshCommand(context),
  ]);
  addGroup(program, "Templates and administration:", [
    templatesCommand(context),
    usersCommand(context),
    resetPasswordCommand(context),
    groupsCommand(context),
    policyCommand(context),
    organizationsCommand(context),
    provisionerCommand(context),
    proxiesCommand(context),
    notificationsCommand(context),
    webhooksCommand(context),
    auditCommand(context),
    connectionLogCommand(context),
    featuresCommand(context),
    oauth2ProviderCommand(context),
    serverCommand(context),
  ]);
  addGroup(program, "Account:", [
    loginCommand(context),
    logoutCommand(context),
    whoamiCommand(context),
    secretCommand(context),
    tokensCommand(context),
    publicKeyCommand(context),
    supportCommand(context),
    completionCommand(context),
    versionCommand(context),
  ]);
  program.addCommand(vscodeSshCommand(context), { hidden: true });
  addUnsupported(program);

  addGlobalOptions(program);
  configure(program, context);
  program.hook("preAction", (_program, command) => context.configure(globalsOf(command)));
  return program;
}

function addGroup(program: Command, heading: string, commands: readonly Command[]): void {
  program.commandsGroup(heading);
  for (const command of commands) program.addCommand(command);
}

/** Redirects output to the context's streams, and keeps commander from exiting the process. */
function configure(command: Command, context: Context): void {
  // If a group has its own flags (`stat -o json`), flags after a subcommand's name belong to it: `stat cpu -o json`.
  command
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.io.stdout.write(text),
      writeErr: (text) => void context.io.stderr.write(text),
      getOutHelpWidth: () => context.io.stdout.columns || 100,
      getErrHelpWidth: () => context.io.stderr.columns || 100,
      getOutHasColors: () => context.colors.isColorSupported,
      getErrHasColors: () => context.colors.isColorSupported,
    });
  command.helpCommand(false).helpOption("-h, --help", "Print help and exit");
  acceptSwitchValues(command, context.io.env);
  for (const child of command.commands) configure(child, context);
}
