import { type Clock, createCloser, FleetError, systemClock } from "@fleet/base";
import { trustSystemAuthorities } from "@fleet/base/trust";
import type { Client, Organization } from "@fleet/sdk";
import { createClient } from "@fleet/sdk/browser";
import picocolors from "picocolors";
import type { Colors } from "picocolors/types.js";
import { type ConfigFolder, createConfigFolder, defaultConfigPath } from "./config/folder.js";
import { headersOfCommand, parseHeaders } from "./config/headers.js";
import { systemKeyring } from "./config/keyring.js";
import { createSessionStore, type SessionStore } from "./config/session-store.js";
import type { Io } from "./io.js";
import { quickFetch } from "./quick-fetch.js";

/** Global flags, before or after the command's name. */
export type Globals = {
  url?: string;
  token?: string;
  header?: string[];
  headerCommand?: string;
  globalConfig?: string;
  forceTty?: boolean;
  verbose?: boolean;
  useKeyring?: string | boolean;
  color?: boolean;
  open?: boolean;
};

/** A deployment and a session on it. */
export type Session = {
  readonly url: string;
  readonly token: string;
  /** Additional headers of each request. */
  readonly headers: Record<string, string>;
  readonly client: Client;
};

/** The environment of a command. */
export type Context = {
  readonly io: Io;
  readonly clock: Clock;
  readonly colors: Colors;
  readonly globals: Globals;
  readonly config: ConfigFolder;
  /** The session of the last login. */
  readonly sessions: SessionStore;
  /** True if prompts are possible. */
  readonly interactive: boolean;
  /** Aborts on Ctrl-C, SIGTERM, or when the terminal or SSH client disconnects. */
  readonly signal: AbortSignal;
  /** True after the reader of standard output has exited. */
  readonly readerLeft: boolean;
  configure(globals: Globals): void;
  /** Prints a result to standard output. */
  print(text: string): void;
  /** Prints a message to standard error. */
  note(text: string): void;
  /** The deployment's URL: from the flag or variable, otherwise from the last login. */
  url(): Promise<string>;
  session(): Promise<Session>;
  /** A client for a URL; unauthenticated without a token. */
  clientFor(url: string, token?: string): Promise<Client>;
  /** The named organization, otherwise the selected, the default or the first one. */
  organization(name?: string): Promise<Organization>;
  /** Runs the cleanup when the command ends. */
  onClose(clean: () => void | Promise<void>): void;
  close(): Promise<void>;
};

/** How long a command waits for an unavailable deployment, for example during a restart or an upgrade. */
const PATIENCE_MS = 15_000;

const NO_DEPLOYMENT = "Not signed in to any deployment. Sign in with: coder login https://coder.example.com";

export function createContext(io: Io): Context {
  const closer = createCloser();
  let globals: Globals = {};
  let session: Promise<Session> | undefined;
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const onSignal = () => stop.abort();
    process.once(signal, onSignal);
    closer.add(() => void process.removeListener(signal, onSignal));
  }

  // The reader, such as `head`, has exited: stop.
  let readerLeft = false;
  const onReaderError = (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") return;
    readerLeft = true;
    stop.abort();
  };
  for (const stream of [io.stdout, io.stderr]) {
    stream.on("error", onReaderError);
    closer.add(() => void stream.off("error", onReaderError).on("error", () => {}));
  }

  const context: Context = {
    io,
    clock: systemClock,
    get colors() {
      // Colors are off if either stream is redirected, so that no file gets escape sequences.
      const isTerminal = Boolean((io.stdout.isTTY && io.stderr.isTTY) || globals.forceTty);
      return picocolors.createColors(
        isTerminal && globals.color !== false && !io.env.NO_COLOR && io.env.TERM !== "dumb",
      );
    },
    get globals() {
      return globals;
    },
    get config() {
      return createConfigFolder(globals.globalConfig ?? defaultConfigPath(io.env));
    },
    get sessions() {
      const { config, note } = context;
      const keyring = globals.globalConfig ? undefined : systemKeyring(process.platform, io.env);
      return createSessionStore({ config, keyring, useKeyring: globals.useKeyring, note });
    },
    get interactive() {
      return Boolean(globals.forceTty || (io.stdin.isTTY && io.stderr.isTTY));
    },
    signal: stop.signal,
    get readerLeft() {
      return readerLeft;
    },
    configure: (given) => {
      globals = given;
    },
    print: (text) => void io.stdout.write(`${text}\n`),
    note: (text) => void io.stderr.write(`${text}\n`),
    async url() {
      const url = globals.url ?? (await context.config.read("url"));
      if (!url) throw new FleetError("failed_precondition", NO_DEPLOYMENT);
      return normalizeUrl(url);
    },
    session() {
      session ??= openSession();
      return session;
    },
    clientFor: async (url, token) =>
      createClient({ baseUrl: url, token, headers: await headersFor(context, url), fetch: quickFetch }),
    async organization(name) {
      const { client } = await context.session();
      const wanted = name ?? (io.env.CODER_ORGANIZATION || (await context.config.read("organization")));
      if (wanted) return client.organizationGet({ params: { organization: wanted } });
      const all = await client.userOrganizationList({ params: { user: "me" } });
      const only = all.find((organization) => organization.is_default) ?? all[0];
      if (!only)
        throw new FleetError(
          "failed_precondition",
          "You are not a member of any organization. Ask an administrator to add you.",
        );
      return only;
    },
    onClose: (clean) => closer.add(clean),
    close: () => closer.close(),
  };

  async function openSession(): Promise<Session> {
    const url = await context.url();
    const token = globals.token ?? (await context.sessions.read(url));
    if (!token) throw new FleetError("unauthenticated", `Not signed in to ${url}.`);
    const headers = await headersFor(context, url);
    const limitMs = io.patienceMs ?? PATIENCE_MS;
    const onRetry = () =>
      context.note(`${url} is not responding. Retrying for up to ${limitMs / 1000} seconds…`);
    const retry = { limitMs, onRetry };
    return {
      url,
      token,
      headers,
      client: createClient({ baseUrl: url, token, headers, retry, fetch: quickFetch }),
    };
  }
  return context;
}

/** Additional headers of requests to this URL. */
export async function headersFor(
  { globals }: Pick<Context, "globals">,
  url: string,
): Promise<Record<string, string>> {
  if (url.startsWith("https:")) trustSystemAuthorities();
  const printed = globals.headerCommand ? await headersOfCommand(globals.headerCommand, url) : {};
  return { ...parseHeaders(globals.header ?? []), ...printed };
}

/** Normalizes a URL: adds a scheme (https, or http for localhost) and removes trailing slashes. */
export function normalizeUrl(text: string): string {
  const isLocal = /^(localhost|127\.|\[::1\])/.test(text);
  const withScheme = /^https?:\/\//.test(text) ? text : `${isLocal ? "http" : "https"}://${text}`;
  if (!URL.canParse(withScheme)) {
    throw new FleetError(
      "invalid_argument",
      `"${text}" is not a valid URL. Example: https://coder.example.com`,
    );
  }
  return withScheme.replace(/\/+$/, "");
}
