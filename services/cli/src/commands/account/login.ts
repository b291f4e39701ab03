import { FleetError, isFleetError } from "@fleet/base";
import type { Client } from "@fleet/sdk";
import { Command, Option } from "commander";
import { type Context, normalizeUrl } from "../../context.js";
import { openInBrowser } from "../../ui/browser.js";
import { askSecret, askText } from "../../ui/prompt.js";

type Options = {
  firstUserEmail?: string;
  firstUserUsername?: string;
  firstUserFullName?: string;
  firstUserPassword?: string;
  useTokenAsSession?: boolean;
};

export function loginCommand(context: Context): Command {
  return new Command("login")
    .description("Sign in to a deployment; the first to do so creates its first user")
    .argument("[url]", "URL of the deployment")
    .addOption(
      new Option("--first-user-email <email>", "email of the first user").env("CODER_FIRST_USER_EMAIL"),
    )
    .addOption(
      new Option("--first-user-username <name>", "username of the first user").env(
        "CODER_FIRST_USER_USERNAME",
      ),
    )
    .addOption(
      new Option("--first-user-full-name <name>", "full name of the first user").env(
        "CODER_FIRST_USER_FULL_NAME",
      ),
    )
    .addOption(
      new Option("--first-user-password <password>", "password of the first user").env(
        "CODER_FIRST_USER_PASSWORD",
      ),
    )
    .addOption(
      new Option("--first-user-trial", "accepted, and without effect: every feature is on").env(
        "CODER_FIRST_USER_TRIAL",
      ),
    )
    .option("--use-token-as-session", "keep the token of --token itself, instead of making a session with it")
    .action((url: string | undefined, options: Options) => login(context, url, options))
    .addCommand(tokenCommand(context));
}

function tokenCommand(context: Context): Command {
  return new Command("token").description("Print the stored session token").action(async () => {
    context.print((await context.session()).token);
  });
}

async function login(context: Context, address: string | undefined, options: Options): Promise<void> {
  const url = address ? normalizeUrl(address) : await context.url();
  const anonymous = await context.clientFor(url);
  const token = (await hasUsers(anonymous))
    ? await tokenOfUser(context, url, options)
    : await createFirstUser(context, anonymous, options);
  const client = await context.clientFor(url, token);
  const user = await client.userGet({ params: { user: "me" } }).catch((cause: unknown) => {
    if (!isFleetError(cause, "unauthenticated")) throw cause;
    throw new FleetError(
      "permission_denied",
      `${url} does not know this token, or its time is over. Get another from ${url}/cli-auth`,
      { cause },
    );
  });
  await context.config.write("url", url);
  await context.config.write("session", token);
  context.note(`Signed in to ${url} as ${context.colors.bold(user.username)}.`);
}

async function hasUsers(client: Client): Promise<boolean> {
  try {
    await client.userFirst();
    return true;
  } catch (error) {
    if (isFleetError(error, "not_found")) return false;
    throw error;
  }
}

async function createFirstUser(context: Context, client: Client, options: Options): Promise<string> {
  context.note("This deployment has no users yet. Create the first one, its owner.");
  const username =
    options.firstUserUsername ??
    (await askText(context, {
      message: "Username",
      flag: "--first-user-username",
      initial: context.io.env.USER,
    }));
  const email =
    options.firstUserEmail ?? (await askText(context, { message: "Email", flag: "--first-user-email" }));
  const password = options.firstUserPassword ?? (await askPassword(context, client));
  await client.userFirstCreate({ body: { username, email, password, name: options.firstUserFullName } });
  return (await client.login({ body: { email, password } })).session_token;
}

async function askPassword(context: Context, client: Client): Promise<string> {
  for (;;) {
    const password = await askSecret(context, "Password", "--first-user-password");
    const { valid, details } = await client.validatePassword({ body: { password } });
    if (valid) {
      if (password === (await askSecret(context, "Password again", "--first-user-password"))) return password;
      context.note("The two are not the same. Once more:");
    } else {
      context.note(details || "That password is too weak.");
    }
  }
}

/** A session of the user's own: made with the token of --token, or pasted from the browser. */
async function tokenOfUser(context: Context, url: string, options: Options): Promise<string> {
  const { token } = context.globals;
  if (token && options.useTokenAsSession) return token;
  if (token) {
    const client = await context.clientFor(url, token);
    return (await client.keyCreate({ params: { user: "me" } })).key;
  }
  if (!context.interactive) {
    throw new FleetError("invalid_argument", "There is no terminal to ask for a token at. Pass --token.");
  }
  const page = `${url}/cli-auth`;
  context.note(`Get a token from this page, and paste it here: ${page}`);
  void openInBrowser(page);
  return (await askSecret(context, "Token", "--token")).trim();
}
