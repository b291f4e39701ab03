import { createHash } from "node:crypto";
import { emailOf } from "../signin/profile.js";
import { ScimError } from "./errors.js";
import type { Values } from "./evaluate.js";
import { SCHEMA } from "./schema.js";
import type { UserRecord } from "./users-store.js";

/** The text attributes that are stored with a user as the client wrote them. */
const STORED = ["name", "displayName", "title", "preferredLanguage", "locale", "timezone", "emails"] as const;
/** Maximum length of an account's full name, in characters: that of a label. */
const MAX_NAME = 256;

/** A representation's entity tag. */
export function versionOf(parts: unknown): string {
  return `W/"${createHash("sha1").update(JSON.stringify(parts)).digest("base64url")}"`;
}

/** What a client may write of this user. A user that no client has provisioned has the account's name and email address. */
export function writableOfUser(record: UserRecord): Values {
  const stored = record.scimAttributes as Values | null;
  return {
    userName: record.scimUserName ?? record.email,
    ...(record.scimExternalId !== null ? { externalId: record.scimExternalId } : {}),
    ...(stored ?? (record.name ? { name: { formatted: record.name } } : {})),
    active: record.status !== "suspended",
    emails: emailsOf(record.email, stored?.emails as Values[] | undefined),
  };
}

/** The client's list, with the account's own address as the primary one, if it was changed in another way. */
function emailsOf(email: string, stored: Values[] | undefined): Values[] {
  const primary = stored && primaryOf(stored);
  if (!primary) return [{ value: email, type: "work", primary: true }];
  if (String(primary.value).toLowerCase() === email.toLowerCase()) return stored;
  return stored.map((item) => (item === primary ? { ...item, value: email } : item));
}

function primaryOf(emails: readonly Values[]): Values | undefined {
  return emails.find(({ primary }) => primary === true) ?? emails[0];
}

export function toUserResource(record: UserRecord, base: string): Values {
  const { userName, externalId, ...writable } = writableOfUser(record);
  const groups = record.groupMemberships.map(({ group }) => ({
    value: group.id,
    $ref: `${base}/Groups/${group.id}`,
    display: group.displayName || group.name,
    type: "direct",
  }));
  const resource = {
    schemas: [SCHEMA.user],
    id: record.id,
    ...(externalId === undefined ? {} : { externalId }),
    userName,
    ...writable,
    ...(groups.length > 0 ? { groups } : {}),
  };
  const meta = {
    resourceType: "User",
    created: record.createdAt.toISOString(),
    lastModified: record.updatedAt.toISOString(),
    location: `${base}/Users/${record.id}`,
  };
  return { ...resource, meta: { ...meta, version: versionOf([resource, meta]) } };
}

/** What is stored of a user's writable values. */
export type UserData = {
  scimUserName: string;
  scimExternalId: string | null;
  scimAttributes: Values;
  email: string;
  name: string;
};

/** @throws ScimError invalidValue without a user name or a valid email address. */
export function userDataOf(values: Values): UserData {
  const userName = values.userName as string | undefined;
  if (!userName?.trim()) throw new ScimError("invalidValue", '"userName" is required.');
  const given = ((values.emails as Values[] | undefined) ?? []).filter(({ value }) => value !== undefined);
  const byName = emailOf(userName);
  const emails = given.length > 0 ? given : byName ? [{ value: byName, type: "work", primary: true }] : [];
  const primary = primaryOf(emails);
  if (!primary)
    throw new ScimError("invalidValue", '"emails" is required, unless "userName" is an email address.');
  const email = emailOf(primary.value);
  if (!email)
    throw new ScimError(
      "invalidValue",
      `"${String(primary.value).slice(0, 256)}" is not a valid email address.`,
    );
  const stored = { ...values, emails };
  return {
    scimUserName: userName,
    scimExternalId: (values.externalId as string | undefined) ?? null,
    scimAttributes: Object.fromEntries(
      STORED.filter((name) => stored[name as keyof typeof stored] !== undefined).map((name) => [
        name,
        stored[name as keyof typeof stored],
      ]),
    ),
    email,
    name: fullNameOf(values),
  };
}

function fullNameOf({ name, displayName }: Values): string {
  const { formatted, givenName, familyName } = (name ?? {}) as Record<string, string | undefined>;
  const joined = [givenName, familyName].filter(Boolean).join(" ");
  return (formatted || joined || (displayName as string | undefined) || "").slice(0, MAX_NAME).toWellFormed();
}
