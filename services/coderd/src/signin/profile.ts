import { storable } from "../database/json.js";
import type { Claims } from "./links-store.js";

const MAX_EMAIL = 254;
const MAX_TEXT = 128;
const MAX_URL = 2_048;
const EMAIL = /^[^\s@]+@[^\s@]+$/u;

/** A provider's text as one short line; empty for anything that is no text. */
export function lineOf(value: unknown): string {
  if (typeof value !== "string") return "";
  return storable(value)
    .replace(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, MAX_TEXT)
    .toWellFormed();
}

/** The email address in a provider's text; undefined if it contains none. */
export function emailOf(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const email = value.trim();
  const valid =
    email.length <= MAX_EMAIL && EMAIL.test(email) && !/\p{Cc}/u.test(email) && email.isWellFormed();
  return valid ? email : undefined;
}

/** A web address; empty for anything else. */
export function webUrlOf(value: unknown): string {
  const url = typeof value === "string" && value.length <= MAX_URL ? URL.parse(value) : null;
  return url && (url.protocol === "https:" || url.protocol === "http:") ? url.href : "";
}

/** Whether the provider verified the address. One that does not tell is trusted; some tell it as text. */
export function emailVerifiedBy(claims: Claims): boolean {
  const claim = claims.email_verified;
  return claim === undefined || claim === null || claim === true || claim === "true";
}
