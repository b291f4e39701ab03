import { FleetError, isFleetError } from "@fleet/base";
import type { Client } from "@fleet/sdk";
import { Command, Option } from "commander";
import { type Context, normalizeUrl } from "../../context.js";
import { openInBrowser } from "../../ui/browser.js";
import { isPiped, readPiped } from "../../ui/piped.js";
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
    .summary("Sign in to a deployment")
    .description("Sign in to a deployment. On a new deployment, this creates the first user.")
    .argument("[url]", "URL of the deployment")
    .addOption(
      new Option("--first-user-email <email>", "Email address of the first user").env(
        "CODER_FIRST_USER_EMAIL",
      ),
    )
    .addOption(
      new Option("--first-user-username <name>", "Username of the first user").env(
        "CODER_FIRST_USER_USERNAME",
      ),
    )
    .addOption(
      new Option("--first-user-full-name <name>", "Full name of the first user").env(
        "CODER_FIRST_USER_FULL_NAME",
      ),
    )
    .addOption(
      new Option("--first-user-password <password>", "Password of the first user").env(
        "CODER_FIRST_USER_PASSWORD",
      ),
    )
    .addOption(
      new Option("--first-user-trial", "Ignored; accepted for compatibility").env("CODER_FIRST_USER_TRIAL"),
    )
    .option(
      "--use-token-as-session",
      "Store the given token itself instead of creating a new session with it",
    )
    .action((url: string | undefined, options: Options) => login(context, url, options))
    .addCommand(tokenCommand(context));
}

function tokenCommand(context: Context): Command {
  return new Command("token").description("Print the current session token").action(async () => {
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
    throw isFleetError(cause, "unauthenticated") ? badToken(context, url, token, cause) : cause;
  });
  await context.config.write("url", url);
  await context.sessions.write(url, token);
  context.note(`Signed in to ${url} as ${context.colors.bold(user.username)}.`);
  noteOverrides(context, url, token);
}

/** The error for an invalid token, which says where the token came from. */
function badToken(context: Context, url: string, token: string, cause: unknown): FleetError {
  const message =
    token === context.io.env.CODER_SESSION_TOKEN
      ? "The token in CODER_SESSION_TOKEN is invalid or has expired. Unset the variable and sign in again: unset CODER_SESSION_TOKEN"
      : `The token is invalid or has expired. Get a new one from ${url}/cli-auth`;
  return new FleetError("permission_denied", message, { cause });
}

/** Warns about variables that override the stored values. */
function noteOverrides(context: Context, url: string, token: string): void {
  const { CODER_URL, CODER_SESSION_TOKEN } = context.io.env;
  const overrides = [
    ...(CODER_URL && normalizeUrl(CODER_URL) !== url ? [`CODER_URL (${CODER_URL})`] : []),
    ...(CODER_SESSION_TOKEN && CODER_SESSION_TOKEN !== token ? ["CODER_SESSION_TOKEN"] : []),
  ];
  if (overrides.length === 0) return;
  context.note(
    context.colors.yellow(`Other commands use ${overrides.join(" and ")} instead of this login until unset.`),
  );
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
  context.note("This deployment has no users yet. Create the first user, who becomes its owner.");
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
      if (password === (await askSecret(context, "Confirm password", "--first-user-password")))
        return password;
      context.note("The passwords do not match. Try again:");
    } else {
      context.note(details || "The password is too weak.");
    }
  }
}

/** Returns a session token: created with the token of --token, piped in, or pasted from the browser. */
async function tokenOfUser(context: Context, url: string, options: Options): Promise<string> {
  const { token } = context.globals;
  if (token && options.useTokenAsSession) return token;
  if (token) {
    const client = await context.clientFor(url, token);
    try {
      return (await client.keyCreate({ params: { user: "me" } })).key;
    } catch (cause) {
      throw isFleetError(cause, "unauthenticated") ? badToken(context, url, token, cause) : cause;
    }
  }
  if (!context.interactive) return pipedToken(context);
  const page = `${url}/cli-auth`;
  context.note(`Open this page to get a token, then paste it here: ${page}`);
  if (context.globals.open !== false) void openInBrowser(page);
  return (await askSecret(context, "Token", "--token")).trim();
}

async function pipedToken(context: Context): Promise<string> {
  const missing = new FleetError(
    "invalid_argument",
    'No token. Without a terminal, pass --token or pipe it: echo "$TOKEN" | coder login <url>',
  );
  const text = isPiped(context) ? (await readPiped(context, missing)).toString().trim() : "";
  if (text === "") throw missing;
  return text.split(/\s/, 1)[0]!;
}
