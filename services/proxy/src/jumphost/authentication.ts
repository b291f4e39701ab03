import { type Clock, errorMessage, isFleetError } from "@fleet/base";
import type { SshIdentity } from "@fleet/proto-gen/proxy";
import ssh2, { type AuthContext, type KeyboardAuthContext, type PublicKeyAuthContext } from "ssh2";
import { LIMITS } from "../limits.js";
import type { Coderd } from "../session/coderd.js";
import type { WrongKeys } from "../tunnel/wrong-keys.js";
import type { SshPass } from "./admission.js";

const METHODS = ["publickey", "keyboard-interactive"] as const;

/** What an SSH client signs in as: a user, and with `workspace.user`, the workspace that its sessions lead to. */
export type SshLogin = { user: string; host: string | undefined };

/** Names of users and workspaces have no dots. */
export function parseLogin(text: string): SshLogin {
  const dot = text.lastIndexOf(".");
  return dot < 0 ? { user: text, host: undefined } : { user: text.slice(dot + 1), host: text.slice(0, dot) };
}

export type AuthenticationOptions = {
  coderd: Pick<Coderd, "authenticateSshKey" | "beginSshSignIn" | "claimSshSignIn">;
  wrongKeys: WrongKeys;
  clock: Clock;
  /** The client's IP address and software. */
  address: string;
  software: string;
  pass: SshPass;
  /** Aborts when the client has left. */
  signal: AbortSignal;
  /** Called before the client is told that it has signed in. */
  onIdentity(identity: SshIdentity, login: SshLogin): Promise<void>;
  /** Called when the user has until then, in milliseconds since the epoch, to allow the sign-in. */
  onLink(expiresAtMs: number): void;
  /** Disconnects the client. */
  refuse(reason: string): void;
};

/** Handles a client's attempts to sign in: with a registered key, or by a link that its user opens in a browser. */
export function createAuthentication(options: AuthenticationOptions): (context: AuthContext) => void {
  const { coderd, wrongKeys, clock, address, software, pass, signal } = options;
  let attempts = 0;

  async function finish(context: AuthContext, identity: SshIdentity, login: SshLogin): Promise<void> {
    await options.onIdentity(identity, login);
    if (!signal.aborted) context.accept();
  }

  async function byKey(context: PublicKeyAuthContext): Promise<void> {
    const { key, signature, blob, hashAlgo } = context as PublicKeyAuthContext & { hashAlgo?: string };
    const login = parseLogin(context.username);
    // SHA-1 signatures can be forged.
    if (key.algo === "ssh-rsa" && hashAlgo === undefined) return context.reject([...METHODS]);
    const hasSigned = signature !== undefined && blob !== undefined;
    if (hasSigned && !isSignedBy(key.data, blob, signature, hashAlgo)) return context.reject([...METHODS]);
    const { identity } = await wrongKeys.check(address, () =>
      coderd.authenticateSshKey({ username: login.user, publicKey: key.data, used: hasSigned }),
    );
    if (!identity) return context.reject([...METHODS]);
    if (hasSigned) await finish(context, identity, login);
    else context.accept(); // The client may sign.
  }

  async function byLink(context: KeyboardAuthContext): Promise<void> {
    const login = parseLogin(context.username);
    const release = pass.waitForUser();
    if (!release) return context.reject([...METHODS]);
    try {
      const client = { username: login.user, address, client: software };
      const { id, url, code, expiresAtMs } = await coderd.beginSshSignIn(client);
      options.onLink(Number(expiresAtMs));
      // Without questions: clients show the text and answer at once.
      context.prompt(
        [],
        "Sign in",
        `No registered key was accepted. Open this link in your browser, check that it shows the code ${code}, and allow the connection:\n\n  ${url}\n`,
        () => {},
      );
      const given = new AbortController();
      context.once("abort", () => given.abort());
      const over = AbortSignal.any([signal, given.signal]);
      for (;;) {
        await clock.sleep(LIMITS.sshLinkPollMs, over);
        const identity = await claim(id);
        if (identity) return await finish(context, identity, login);
      }
    } finally {
      release();
    }
  }

  /** The user who allowed it, or undefined: nobody yet, or coderd cannot be asked right now. */
  async function claim(id: string): Promise<SshIdentity | undefined> {
    try {
      return (await coderd.claimSshSignIn({ id })).identity;
    } catch (error) {
      if (isFleetError(error, "unavailable", "deadline_exceeded")) return undefined;
      throw error;
    }
  }

  function onError(context: AuthContext, error: unknown): void {
    if (signal.aborted) return;
    if (isFleetError(error, "unauthenticated", "canceled")) context.reject([...METHODS]);
    else if (isFleetError(error, "resource_exhausted")) options.refuse(errorMessage(error));
    else options.refuse("The control plane is unavailable. Try again in a moment.");
  }

  return (context) => {
    if (context.method === "none") return context.reject([...METHODS]);
    attempts += 1;
    if (attempts > LIMITS.sshAttempts) return options.refuse("Too many authentication failures.");
    switch (context.method) {
      case "publickey":
        return void byKey(context).catch((error: unknown) => onError(context, error));
      case "keyboard-interactive":
        return void byLink(context).catch((error: unknown) => onError(context, error));
      default:
        context.reject([...METHODS]);
    }
  };
}

function isSignedBy(
  publicKey: Buffer,
  blob: Buffer,
  signature: Buffer,
  hashAlgo: string | undefined,
): boolean {
  const parsed = ssh2.utils.parseKey(publicKey);
  if (parsed instanceof Error) return false;
  return parsed.verify(blob, signature, hashAlgo) === true;
}
