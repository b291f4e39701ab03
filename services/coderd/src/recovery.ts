import { FleetError } from "@fleet/base";
import { createApiKeyStore } from "./apikeys/store.js";
import { checkPassword, createPasswords, type ScryptCost } from "./auth/passwords.js";
import { createDatabase } from "./database/client.js";
import { checkUsername } from "./users/service.js";
import { createUserStore } from "./users/store.js";

/** What an operator who cannot sign in changes in the database itself. */
export type RecoveryRequest =
  | { command: "reset-password"; user: string; password: string }
  | { command: "create-admin-user"; username: string; email: string; password: string };

/**
 * Makes the change and returns a sentence about it. No server has to run.
 * @throws not_found, already_exists or invalid_argument, in a sentence.
 */
export async function recover(url: string, request: RecoveryRequest, cost?: ScryptCost): Promise<string> {
  checkPassword(request.password);
  const passwordHash = await createPasswords(cost).hash(request.password);
  const { db, unitOfWork, close } = createDatabase({ url, poolSize: 4 });
  const users = createUserStore(db);

  async function resetPassword(name: string): Promise<string> {
    const user = (await users.find(name)) ?? (await users.findByEmail(name));
    if (!user) throw new FleetError("not_found", `There is no user "${name}".`);
    if (user.loginType !== "password") {
      throw new FleetError(
        "invalid_argument",
        `${user.username} signs in with the login type "${user.loginType}" and has no password.`,
      );
    }
    await unitOfWork.run(async () => {
      await users.update(user.id, { passwordHash });
      await createApiKeyStore(db).deleteAll(user.id);
    });
    return `The password of ${user.username} has been reset. Their sessions and tokens have ended.`;
  }

  async function createAdmin({ username, email }: { username: string; email: string }): Promise<string> {
    checkUsername(username);
    const organizations = await db.organization.findMany({ where: { deleted: false }, select: { id: true } });
    await users.insert({
      username,
      email,
      name: "",
      passwordHash,
      loginType: "password",
      roles: ["owner"],
      status: "active",
      organizationIds: organizations.map(({ id }) => id),
    });
    return `Created the owner ${username}, a member of every organization.`;
  }

  try {
    return request.command === "reset-password"
      ? await resetPassword(request.user)
      : await createAdmin(request);
  } finally {
    await close();
  }
}
