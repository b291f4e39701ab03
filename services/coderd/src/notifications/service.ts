import { type Clock, FleetError } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import type { Deliveries } from "../deliveries/service.js";
import type { Method, MethodSettings, Notifier } from "./notifier.js";
import type { NotificationStore, Preference } from "./store.js";
import { CUSTOM_TEMPLATE, type NotificationTemplate, SYSTEM_TEMPLATES, templateById } from "./templates.js";

export type TemplateView = NotificationTemplate & {
  /** Set by an administrator; undefined for the deployment's default. */
  method: string | undefined;
};

/** How notifications are sent, and who receives which. */
export type Notifications = {
  readonly methods: MethodSettings;
  paused(actor: Actor): Promise<boolean>;
  /** While paused, notifications wait. False if nothing changed. */
  setPaused(actor: Actor, paused: boolean): Promise<boolean>;
  templates(actor: Actor, kind: "system" | "custom"): Promise<TemplateView[]>;
  /** Sets how the template's notifications are sent; an empty method resets it. False if nothing changed. */
  setMethod(actor: Actor, templateId: string, method: string): Promise<boolean>;
  /** The templates that the user turned on or off. */
  preferences(actor: Actor, userId: string): Promise<Preference[]>;
  setPreferences(actor: Actor, userId: string, disabled: Record<string, boolean>): Promise<Preference[]>;
  /** Sends the caller a test notification. */
  sendTest(actor: Actor): Promise<void>;
  /** Sends the caller a notification in the caller's own words. */
  sendCustom(actor: Actor, content: { title: string; message: string }): Promise<void>;
};

export function createNotifications(options: {
  store: NotificationStore;
  notifier: Notifier;
  deliveries: Pick<Deliveries, "wake">;
  methods: MethodSettings;
  clock: Clock;
}): Notifications {
  const { store, notifier, deliveries, methods, clock } = options;

  function requireSettings(actor: Actor, action: "read" | "update"): void {
    requireUser(actor);
    const missing = new FleetError(
      "not_found",
      "Notification settings not found, or you do not have access to them.",
    );
    authorizer.require(actor, action, { type: "deployment_config" }, missing);
  }

  function requirePreferences(actor: Actor, action: "read" | "update", userId: string): void {
    const missing = new FleetError("not_found", "User not found, or you do not have access to it.");
    authorizer.require(actor, action, { type: "notification_preference", ownerId: userId }, missing);
  }

  return {
    methods,

    async paused(actor) {
      requireUser(actor);
      return store.paused();
    },

    async setPaused(actor, paused) {
      requireSettings(actor, "update");
      const changed = await store.setPaused(paused);
      deliveries.wake();
      return changed;
    },

    async templates(actor, kind) {
      requireUser(actor);
      const overrides = await store.methods();
      const templates = kind === "custom" ? [CUSTOM_TEMPLATE] : SYSTEM_TEMPLATES;
      return templates.map((template) => ({ ...template, method: overrides.get(template.id) }));
    },

    async setMethod(actor, templateId, method) {
      const missing = new FleetError(
        "not_found",
        "Notification template not found, or you do not have access to it.",
      );
      requireUser(actor);
      authorizer.require(actor, "update", { type: "notification_template" }, missing);
      const template = templateById(templateId);
      if (!template) throw missing;
      if (method !== "" && (template.onlyEmail || !methods.available.includes(method as Method))) {
        const allowed = template.onlyEmail
          ? "none: it is always sent by email"
          : methods.available.join(", ");
        const detail = `"${method}" is not a configured method of this template. Valid values: ${allowed}.`;
        throw new FleetError("invalid_argument", detail, { validations: [{ field: "method", detail }] });
      }
      if (((await store.methods()).get(templateId) ?? "") === method) return false;
      await store.setMethod(templateId, method || null);
      return true;
    },

    async preferences(actor, userId) {
      requirePreferences(actor, "read", userId);
      return store.preferences(userId);
    },

    async setPreferences(actor, userId, disabled) {
      requirePreferences(actor, "update", userId);
      const unknown = Object.keys(disabled).find((id) => !templateById(id) || templateById(id)?.onlyEmail);
      if (unknown !== undefined) {
        const detail = `"${unknown}" is not the id of a notification that can be turned off.`;
        throw new FleetError("invalid_argument", detail, {
          validations: [{ field: "template_disabled_map", detail }],
        });
      }
      await store.setPreferences(userId, disabled, clock.now());
      return store.preferences(userId);
    },

    async sendTest(actor) {
      const missing = new FleetError(
        "permission_denied",
        "You do not have permission to send test notifications.",
      );
      authorizer.require(actor, "update", { type: "deployment_config" }, missing);
      await notifier.notify([{ event: "test", to: { users: [requireUser(actor).userId] }, labels: {} }]);
    },

    async sendCustom(actor, { title, message }) {
      const { userId } = requireUser(actor);
      const labels = { custom_title: title, custom_message: message };
      await notifier.notify([
        { event: "custom", to: { users: [userId] }, labels, lines: ["custom_message"] },
      ]);
    },
  };
}
