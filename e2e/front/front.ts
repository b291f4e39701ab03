import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { waitFor } from "@fleet/testkit";

const DOCUMENT = resolve(import.meta.dirname, "../../docs/behind-a-proxy.md");
const PATH = `${process.env.PATH}${delimiter}/usr/sbin`;

export const FRONTS = ["nginx", "haproxy"] as const;
export type FrontName = (typeof FRONTS)[number];

/** A reverse proxy with TLS on 127.0.0.1, stopped on disposal. */
export type Front = AsyncDisposable & {
  /** Number of upgraded connections that have ended. */
  ended(): number;
};

export type FrontOptions = {
  /** Its own folder. */
  folder: string;
  port: number;
  /** Port of the deployment. */
  to: number;
  certificate: Certificate;
};

export type Certificate = { file: string; key: string; both: string };

/** The programs that are not installed. */
export function missingFronts(): FrontName[] {
  return FRONTS.filter((name) => !PATH.split(delimiter).some((folder) => existsSync(join(folder, name))));
}

/** Creates a self-signed certificate for 127.0.0.1 in this folder. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const [file, key, both] = ["front.crt", "front.key", "front.pem"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-keyout", key, "-out", file, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
  ]);
  await writeFile(both, `${await readFile(file, "utf8")}${await readFile(key, "utf8")}`, { mode: 0o600 });
  return { file, key, both };
}

/** Starts it with the configuration in docs/behind-a-proxy.md, and otherwise its defaults. */
export async function startFront(name: FrontName, options: FrontOptions): Promise<Front> {
  await mkdir(options.folder, { recursive: true });
  const file = join(options.folder, `${name}.conf`);
  const block = await documented(name);
  const configuration = name === "nginx" ? nginx(block, options) : haproxy(block, options);
  await writeFile(file, configuration);
  const args = name === "nginx" ? ["-p", options.folder, "-e", "stderr", "-c", file] : ["-db", "-f", file];
  // A file, because nginx opens its standard output by name, which fails for a Node pipe.
  const output = join(options.folder, `${name}.log`);
  await using log = await open(output, "w");
  const child = spawn(name, args, { env: { ...process.env, PATH }, stdio: ["ignore", log.fd, log.fd] });
  await waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(readFileSync(output, "utf8"));
      return accepts(options.port);
    },
    { what: `${name} to listen`, timeoutMs: 15_000 },
  ).catch((error) => {
    child.kill("SIGKILL");
    throw new Error(`${name} did not start.`, { cause: error });
  });
  return {
    ended: () =>
      readFileSync(output, "utf8")
        .split("\n")
        .filter((line) => / 101 /.test(line)).length,
    [Symbol.asyncDispose]: () => stop(child),
  };
}

/** The document's code block in this language. */
async function documented(language: FrontName): Promise<string> {
  const text = await readFile(DOCUMENT, "utf8");
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(text)?.[1];
  if (!block) throw new Error(`${DOCUMENT} has no block of ${language}.`);
  return block;
}

/** Substitutes the test's addresses and files; throws if the document does not contain one of them. */
function replaced(block: string, by: Record<string, string>): string {
  return Object.entries(by).reduce((text, [said, own]) => {
    if (!text.includes(said)) throw new Error(`docs/behind-a-proxy.md does not say "${said}".`);
    return text.replaceAll(said, own);
  }, block);
}

function nginx(block: string, { folder, port, to, certificate }: FrontOptions): string {
  const server = replaced(block, {
    "listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
    "/etc/ssl/coder.crt": certificate.file,
    "/etc/ssl/coder.key": certificate.key,
    "127.0.0.1:3000": `127.0.0.1:${to}`,
  });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
pid ${join(folder, "nginx.pid")};
events {}
http {
  log_format plain '$remote_addr $status $request_uri';
  access_log /dev/stdout plain;
  ${temporary.map((name) => `${name}_temp_path ${join(folder, name)};`).join("\n  ")}
${server}}
`;
}

/** Timeouts as in Debian's haproxy.cfg. */
function haproxy(block: string, { port, to, certificate }: FrontOptions): string {
  const proxies = replaced(block, {
    "bind :443": `bind 127.0.0.1:${port}`,
    "/etc/ssl/coder.pem": certificate.both,
    "127.0.0.1:3000": `127.0.0.1:${to}`,
  });
  return `global
  log stdout format raw local0
defaults
  log global
  mode http
  option httplog
  option dontlognull
  timeout connect 5000
  timeout client 50000
  timeout server 50000
${proxies}`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  await ended;
}
