import type { AddressInfo } from "node:net";
import PostalMime, { type Email } from "postal-mime";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** A received mail, and how it came. */
export type ReceivedMail = {
  from: string;
  to: string[];
  /** As transferred. */
  raw: string;
  /** Decoded. */
  email: Email;
  /** Over TLS. */
  secure: boolean;
  user: string | undefined;
  method: string | undefined;
};

export type MailServer = AsyncDisposable & {
  /** host:port. */
  readonly address: string;
  readonly mails: ReceivedMail[];
  /** Connections so far. */
  readonly connections: number;
};

export type MailServerOptions = {
  /** Required of clients. */
  login?: { user: string; password: string; methods?: string[] };
  /** Offers STARTTLS with this certificate. */
  tls?: { cert: string; key: string };
  /** What to answer to a recipient: undefined accepts it, a number is the SMTP code of a refusal. */
  recipient?(address: string): number | undefined;
  /** The same for a whole mail, after its data; "close" ends the connection without an answer. */
  data?(nth: number): number | "close" | undefined;
};

/** A real mail server on loopback, which keeps what it receives. */
export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const { login, tls, recipient, data } = options;
  const mails: ReceivedMail[] = [];
  const logins = new Map<string, string>();
  let count = 0;
  let connections = 0;
  const refusal = (code: number) => Object.assign(new Error("Refused by the test."), { responseCode: code });
  const settings: SMTPServerOptions = {
    authOptional: !login,
    authMethods: login?.methods ?? ["PLAIN", "LOGIN"],
    disabledCommands: [...(tls ? [] : ["STARTTLS"]), ...(login ? [] : ["AUTH"])],
    allowInsecureAuth: !tls,
    disableReverseLookup: true,
    ...tls,
    onConnect(_session, done) {
      connections++;
      done();
    },
    onAuth({ username, password, method }, session, done) {
      if (username !== login?.user || password !== login?.password) return done(refusal(535));
      logins.set(session.id, method);
      done(null, { user: username });
    },
    onRcptTo({ address }, _session, done) {
      const code = recipient?.(address);
      done(code ? refusal(code) : null);
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", async () => {
        const outcome = data?.(++count);
        if (outcome === "close") {
          for (const connection of server.connections) connection.close();
          return;
        }
        if (outcome) return done(refusal(outcome));
        const raw = Buffer.concat(chunks).toString("utf8");
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom ? mailFrom.address : "",
          to: rcptTo.map(({ address }) => address),
          raw,
          email: await PostalMime.parse(raw),
          secure: session.secure,
          user: session.user as string | undefined,
          method: logins.get(session.id),
        });
        done();
      });
    },
  };
  const server = new SMTPServer(settings);
  // Clients that end a connection, or speak no TLS.
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    mails,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
