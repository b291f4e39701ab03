import { randomSshKeyPair } from "../auth/sshkeys.js";
import { fingerprintOf, parsePublicKey } from "./public-key.js";

/** From `ssh-keygen -l`. */
const KNOWN = {
  line: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
  fingerprint: "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
};

test("a key keeps its text, its comment and the fingerprint that OpenSSH shows", () => {
  expect(parsePublicKey(`  ${KNOWN.line} git@github.com, of 2021 \n`)).toEqual({
    text: KNOWN.line,
    comment: "git@github.com, of 2021",
    fingerprint: KNOWN.fingerprint,
  });
  expect(fingerprintOf(Buffer.from(KNOWN.line.split(" ")[1]!, "base64"))).toBe(KNOWN.fingerprint);
});

test.each(["ed25519", "ecdsa", "rsa4096"] as const)("%s is supported", async (algorithm) => {
  const { publicKey } = await randomSshKeyPair(algorithm);
  expect(publicKey).toBe(parsePublicKey(publicKey).text);
});

const blob = (...fields: (string | Buffer)[]) =>
  Buffer.concat(
    fields.flatMap((field) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(field.length);
      return [length, Buffer.from(field)];
    }),
  ).toString("base64");
const short = blob("ssh-rsa", Buffer.from([1, 0, 1]), Buffer.alloc(128, 0x7f));

test.each([
  ["", "Must be one public key"],
  ["hello", "Must be one public key"],
  [`${KNOWN.line}\n${KNOWN.line}`, "Must be one public key"],
  ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", "This is a private key"],
  [KNOWN.line.slice(0, -8), "damaged"],
  [`ssh-rsa ${KNOWN.line.split(" ")[1]}`, "damaged"],
  [`ssh-rsa ${short}`, "too short"],
  [`ecdsa-sha2-nistp256 ${blob("ecdsa-sha2-nistp256", "nistp256", Buffer.alloc(65, 4))}`, "damaged"],
  [`ssh-dss ${blob("ssh-dss", "1", "2", "3", "4")}`, "not supported"],
  [
    `sk-ssh-ed25519@openssh.com ${blob("sk-ssh-ed25519@openssh.com", Buffer.alloc(32), "ssh:")}`,
    "not supported",
  ],
])("%j is refused", (line, reason) => {
  expect(() => parsePublicKey(line)).toThrow(reason);
});
