import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";

/** Who is notified. */
export type Audience =
  | { users: readonly string[] }
  /** Owners and user admins. */
  | { admins: "users"; except?: string | undefined }
  /** Owners and template admins, also those of the organization. */
  | { admins: "templates"; organizationId?: string | undefined; except?: string | undefined }
  /** Owners of the template's workspaces. */
  | { workspacesOf: string; except?: string | undefined };

export type RecipientRow = { id: string; username: string; hasEmail: boolean };
export type Addressee = { email: string; name: string; username: string; deleted: boolean };
export type Preference = { templateId: string; disabled: boolean; updatedAt: Date };

/** Storage of who wants which notifications, and how they are sent. */
export type NotificationStore = {
  /** The users of the audience who have not turned the template off. */
  recipients(
    audience: Audience,
    template: { id: string; offByDefault: boolean; always: boolean; toSuspended: boolean },
    tx?: Transaction,
  ): Promise<RecipientRow[]>;
  /** The user as it is now; null if it never existed. */
  addressee(userId: string): Promise<Addressee | null>;
  /** Username; empty if unknown. */
  username(userId: string, tx?: Transaction): Promise<string>;
  /** Methods that administrators have set, by template. */
  methods(tx?: Transaction): Promise<Map<string, string>>;
  /** Sets the template's method; null for the deployment's default. */
  setMethod(templateId: string, method: string | null): Promise<void>;
  preferences(userId: string): Promise<Preference[]>;
  setPreferences(userId: string, disabled: Readonly<Record<string, boolean>>, now: Date): Promise<void>;
  paused(): Promise<boolean>;
  /** False if this was the setting already. */
  setPaused(paused: boolean): Promise<boolean>;
};

const SETTINGS_KEY = "notifications_settings";

export function createNotificationStore(db: Database): NotificationStore {
  async function paused(): Promise<boolean> {
    const row = await db.siteConfig.findUnique({ where: { key: SETTINGS_KEY } });
    return row ? (JSON.parse(row.value) as { notifier_paused?: boolean }).notifier_paused === true : false;
  }

  return {
    recipients(audience, template, tx = db) {
      return tx.$queryRaw<RecipientRow[]>`
        SELECT u.id, u.username, u.email <> '' AS "hasEmail" FROM users u
        WHERE NOT u.deleted AND NOT u.is_system AND ${memberOf(audience)}
          AND (${template.toSuspended} OR u.status <> 'suspended')
          AND (${template.always} OR NOT COALESCE(
            (SELECT p.disabled FROM notification_preferences p
              WHERE p.user_id = u.id AND p.template_id = ${template.id}::uuid), ${template.offByDefault}))
        ORDER BY u.id`;
    },

    addressee: (userId) =>
      db.user.findUnique({
        where: { id: userId },
        select: { email: true, name: true, username: true, deleted: true },
      }),

    async username(userId, tx = db) {
      const row = await tx.user.findUnique({ where: { id: userId }, select: { username: true } });
      return row?.username ?? "";
    },

    async methods(tx = db) {
      const rows = await tx.notificationTemplateMethod.findMany();
      return new Map(rows.map(({ templateId, method }) => [templateId, method]));
    },

    async setMethod(templateId, method) {
      if (method === null) await db.notificationTemplateMethod.deleteMany({ where: { templateId } });
      else
        await db.notificationTemplateMethod.upsert({
          where: { templateId },
          create: { templateId, method },
          update: { method },
        });
    },

    preferences: (userId) =>
      db.notificationPreference.findMany({
        where: { userId },
        select: { templateId: true, disabled: true, updatedAt: true },
      }),

    async setPreferences(userId, disabled, now) {
      for (const [templateId, value] of Object.entries(disabled)) {
        await db.notificationPreference.upsert({
          where: { userId_templateId: { userId, templateId } },
          create: { userId, templateId, disabled: value, updatedAt: now },
          update: { disabled: value, updatedAt: now },
        });
      }
    },

    paused,

    async setPaused(value) {
      if ((await paused()) === value) return false;
      const text = JSON.stringify({ notifier_paused: value });
      await db.siteConfig.upsert({
        where: { key: SETTINGS_KEY },
        create: { key: SETTINGS_KEY, value: text },
        update: { value: text },
      });
      return true;
    },
  };
}

function memberOf(audience: Audience): Prisma.Sql {
  if ("users" in audience) return Prisma.sql`u.id = ANY(${[...audience.users]}::uuid[])`;
  const others = audience.except ? Prisma.sql`u.id <> ${audience.except}::uuid` : Prisma.sql`true`;
  if ("workspacesOf" in audience) {
    return Prisma.sql`${others} AND EXISTS (SELECT 1 FROM workspaces w
      WHERE w.owner_id = u.id AND w.template_id = ${audience.workspacesOf}::uuid AND NOT w.deleted)`;
  }
  if (audience.admins === "users") return Prisma.sql`${others} AND u.roles && ARRAY['owner', 'user-admin']`;
  const within = audience.organizationId
    ? Prisma.sql`EXISTS (SELECT 1 FROM organization_members m WHERE m.user_id = u.id
        AND m.organization_id = ${audience.organizationId}::uuid AND m.roles && ARRAY['organization-template-admin'])`
    : Prisma.sql`false`;
  return Prisma.sql`${others} AND (u.roles && ARRAY['owner', 'template-admin'] OR ${within})`;
}
