import { randomInt } from "node:crypto";
import { nameViolation } from "../users/service.js";

const MAX_LENGTH = 32;
const SUFFIX = 10_000;

/**
 * A valid username close to what a provider calls the user: the part before the @ of an email address, without accents,
 * and with hyphens for what a username cannot contain.
 */
export function usernameFrom(text: string): string {
  const plain = text
    .split("@", 1)[0]!
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .replace(/[^a-zA-Z0-9]+/g, "-")
    .slice(0, MAX_LENGTH)
    .replace(/^-+|-+$/g, "");
  return nameViolation(plain, "username") ? withNumber(plain || "user") : plain;
}

/** The name with a random number, for one that is taken or reserved. */
export function withNumber(name: string): string {
  const number = String(randomInt(SUFFIX));
  return `${name.slice(0, MAX_LENGTH - number.length - 1).replace(/-+$/, "")}-${number}`;
}
