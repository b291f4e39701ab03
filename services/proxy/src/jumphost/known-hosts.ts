import ssh2 from "ssh2";

/** Where the proxy publishes its host key. */
export const KNOWN_HOSTS_PATH = "/.well-known/ssh_known_hosts";

/** The line of known_hosts for a host key (private, OpenSSH format) at this address. */
export function knownHostsLine({ host, port }: { host: string; port: number }, hostKey: string): string {
  const parsed = ssh2.utils.parseKey(hostKey);
  if (parsed instanceof Error) throw parsed;
  const [key] = [parsed].flat();
  const name = port === 22 ? host : `[${host}]:${port}`;
  return `${name} ${key!.type} ${key!.getPublicSSH().toString("base64")}\n`;
}
