import { randomBytes, type ScryptOptions, scrypt as scryptCallback, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { FleetError } from "@fleet/base";

const scrypt = promisify<string, Buffer, number, ScryptOptions, Buffer>(scryptCallback);

/** OWASP's first scrypt recommendation: 128 MiB, about a quarter of a second. Tests use less. */
export const STRONG: ScryptCost = { ln: 17, r: 8, p: 1 };
export type ScryptCost = { ln: number; r: number; p: number };

const KEY_BYTES = 32;
const MIN_LENGTH = 8;
const MAX_LENGTH = 64;

/** Hashes and verifies passwords in PHC format: `$scrypt$ln=17,r=8,p=1$salt$key`. */
export type Passwords = {
  hash(password: string): Promise<string>;
  /** Takes the same time for an empty hash, so that timing does not reveal which users exist. */
  matches(password: string, hash: string): Promise<boolean>;
};

export function createPasswords(cost: ScryptCost = STRONG): Passwords {
  const empty = format(cost, Buffer.alloc(16), Buffer.alloc(KEY_BYTES));
  return {
    async hash(password) {
      const salt = randomBytes(16);
      return format(cost, salt, await derive(password, salt, cost));
    },
    async matches(password, hash) {
      const parsed = parse(hash || empty);
      if (!parsed) return false;
      const key = await derive(password, parsed.salt, parsed.cost);
      return timingSafeEqual(key, parsed.key) && hash !== "";
    },
  };
}

/** Throws `invalid_argument` if the password is too short, too long or a single repeated character. */
export function checkPassword(password: string, field = "password"): void {
  const detail =
    password.length < MIN_LENGTH
      ? `The password must be at least ${MIN_LENGTH} characters long.`
      : password.length > MAX_LENGTH
        ? `The password must be at most ${MAX_LENGTH} characters long.`
        : new Set(password).size < 4
          ? "The password is too simple. Use at least four different characters."
          : undefined;
  if (detail) throw new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
}

function derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
  const N = 2 ** cost.ln;
  return scrypt(password.normalize("NFKC"), salt, KEY_BYTES, {
    N,
    r: cost.r,
    p: cost.p,
    maxmem: 256 * N * cost.r,
  });
}

function format(cost: ScryptCost, salt: Buffer, key: Buffer): string {
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${salt.toString("base64url")}$${key.toString("base64url")}`;
}

function parse(hash: string): { cost: ScryptCost; salt: Buffer; key: Buffer } | undefined {
  const match = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w-]+)\$([\w-]+)$/.exec(hash);
  if (!match) return undefined;
  const [ln, r, p] = match.slice(1, 4).map(Number) as [number, number, number];
  return {
    cost: { ln, r, p },
    salt: Buffer.from(match[4]!, "base64url"),
    key: Buffer.from(match[5]!, "base64url"),
  };
}
