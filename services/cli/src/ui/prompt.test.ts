import { FleetError } from "@fleet/base";
import { createPtyExpecter } from "@fleet/testkit";
import { startDeployment } from "../testing/deployment.js";
import { user } from "../testing/objects.js";
import { spawnableCli } from "../testing/process.js";
import { createTestCli } from "../testing/run.js";

test("login at a terminal asks for the first user, and again when the two passwords differ", async () => {
  await using cli = await createTestCli();
  const created: unknown[] = [];
  await using deployment = await startDeployment({
    userFirst: () => {
      throw new FleetError("not_found", "There is no user yet.");
    },
    validatePassword: ({ body }) => {
      const { password } = body as { password: string };
      return { valid: password.length > 8, details: password.length > 8 ? "" : "Choose a longer one." };
    },
    userFirstCreate: ({ body }) => {
      created.push(body);
      return { user_id: user().id, organization_id: user().id };
    },
    login: () => ({ session_token: "0123456789-secretsecretsecretsecre" }),
    userGet: () => user(),
  });
  const { command, args, env } = spawnableCli(["login", deployment.url], cli.folder);
  await using terminal = createPtyExpecter({ command, args, env });
  const answer = async (question: string, text: string) => {
    await terminal.expect(question);
    terminal.send(`${text}\r`);
  };
  await answer("Username", "ana");
  await answer("Email", "ana@example.com");
  await answer("Password", "short");
  await terminal.expect("Choose a longer one.");
  await answer("Password", "SomeStrongPassword1");
  await answer("Password again", "Another");
  await terminal.expect("The two are not the same.");
  await answer("Password", "SomeStrongPassword1");
  await answer("Password again", "SomeStrongPassword1");
  await terminal.expect("Signed in to");
  expect(await terminal.exited).toMatchObject({ exitCode: 0 });
  expect(created).toMatchObject([
    { username: "ana", email: "ana@example.com", password: "SomeStrongPassword1" },
  ]);
  expect(terminal.output()).not.toContain("SomeStrongPassword1");
});

test("Ctrl-C at a question ends the command without a fuss", async () => {
  await using cli = await createTestCli();
  await using deployment = await startDeployment({
    userFirst: () => ({ message: "There is one." }),
  });
  const { command, args, env } = spawnableCli(["login", deployment.url], cli.folder);
  await using terminal = createPtyExpecter({ command, args, env });
  await terminal.expect("Token");
  terminal.send("\x03");
  expect((await terminal.exited).exitCode).not.toBe(0);
  expect(terminal.output()).toContain("Canceled.");
});
