import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { FleetError } from "@fleet/base";

/**
 * Checks the detached signature of a release's checksums. A key that has expired since it signed is accepted, as by
 * gpg. Throws `failed_precondition`.
 */
export async function verifySignature(options: {
  what: string;
  content: Uint8Array;
  signature: Uint8Array;
  key: string;
}): Promise<void> {
  const { what, content, signature, key } = options;
  // Loaded only when something is fetched: it is large.
  const openpgp = await import("openpgp");
  try {
    const armored = new TextDecoder().decode(signature).startsWith("-----BEGIN PGP");
    const { signatures } = await openpgp.verify({
      message: await openpgp.createMessage({ binary: content }),
      signature: armored
        ? await openpgp.readSignature({ armoredSignature: new TextDecoder().decode(signature) })
        : await openpgp.readSignature({ binarySignature: signature }),
      verificationKeys: await openpgp.readKey({ armoredKey: key }),
    });
    await Promise.any(signatures.map(({ verified }) => verified));
  } catch (cause) {
    throw new FleetError("failed_precondition", `The signature of ${what} is not valid.`, { cause });
  }
}

/** The sha256 of a file in the lines of a SHA256SUMS file; undefined if it is not listed. */
export function checksumOf(checksums: string, file: string): string | undefined {
  for (const line of checksums.split(/\r?\n/)) {
    const [, sum, name] = /^([0-9a-f]{64}) [ *](\S+)$/i.exec(line.trim()) ?? [];
    if (name === file) return sum!.toLowerCase();
  }
  return undefined;
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
