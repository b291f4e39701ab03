import type { Audit } from "../../audit/service.js";
import type { PasswordReset } from "../../users/password-reset.js";
import type { Handlers } from "../handler.js";

const DONE = 204;

/** Writes its audit entries itself: otherwise responses for users that exist would take longer than others. */
export function createPasswordResetHandlers({
  passwordReset,
  audit,
}: {
  passwordReset: PasswordReset;
  audit: Audit;
}) {
  return {
    passwordResetRequest: async ({ body, requestId, ip, userAgent }) => {
      await passwordReset.request(body.email, async (id) => {
        const user = await audit.before("user", { id });
        const request = { requestId, ip, userAgent, status: DONE, userId: id };
        await audit.record({
          ...request,
          action: "request_password_reset",
          type: "user",
          before: user,
          after: user,
        });
      });
      return undefined;
    },

    passwordReset: async ({ body, requestId, ip, userAgent }) => {
      const { email, password, one_time_passcode: passcode } = body;
      await passwordReset.change({ email, password, passcode }, async (id, change) => {
        const before = await audit.before("user", { id });
        await change();
        const after = await audit.after("user", { id }, before);
        const request = { requestId, ip, userAgent, status: DONE, userId: id };
        await audit.record({ ...request, action: "write", type: "user", before, after });
      });
      return undefined;
    },
  } satisfies Partial<Handlers>;
}
