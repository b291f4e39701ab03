import { FleetError } from "@fleet/base";
import { createPtyExpecter } from "@fleet/testkit";
import { startDeployment } from "../testing/deployment.js";
import { parameter, template, user, version, workspace } from "../testing/objects.js";
import { spawnableCli } from "../testing/process.js";
import { createTestCli } from "../testing/run.js";

test("login at a terminal asks for the first user, and asks again if the passwords differ", async () => {
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
  await answer("Confirm password", "Another");
  await terminal.expect("The passwords do not match.");
  await answer("Password", "SomeStrongPassword1");
  await answer("Confirm password", "SomeStrongPassword1");
  await terminal.expect("Signed in to");
  expect(await terminal.exited).toMatchObject({ exitCode: 0 });
  expect(created).toMatchObject([
    { username: "ana", email: "ana@example.com", password: "SomeStrongPassword1" },
  ]);
  expect(terminal.output()).not.toContain("SomeStrongPassword1");
});

test("Ctrl-C at a prompt ends the command quietly", async () => {
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

test("create at a terminal asks for the template and its parameters, and shows validation errors", async () => {
  await using cli = await createTestCli();
  const bodies: unknown[] = [];
  const option = (value: string) => ({ name: value.toUpperCase(), description: "", value, icon: "" });
  await using deployment = await startDeployment({
    workspaceGetByName: () => {
      throw new FleetError("not_found", "No such workspace.");
    },
    templateList: () => [template({ name: "docker" }), template({ name: "kubernetes" })],
    templateVersionGet: () => version({ name: "v7" }),
    templateVersionExternalAuth: () => [],
    templateVersionPresets: () => [],
    templateVersionRichParameters: () => [
      parameter("region", { options: [option("eu"), option("us")] }),
      parameter("cores", { type: "number", validation_max: 8 }),
    ],
    workspaceCreate: ({ body }) => {
      bodies.push(body);
      return workspace();
    },
  });
  const session = ["--url", deployment.url, "--token", "t"];
  const { command, args, env } = spawnableCli([...session, "create", "dev", "--no-wait"], cli.folder);
  await using terminal = createPtyExpecter({ command, args, env });
  await terminal.expect("Template");
  terminal.send("\r");
  await terminal.expect("region");
  terminal.send("\x1b[B\r");
  await terminal.expect("cores");
  terminal.send("9\r");
  await terminal.expect("Must be at most 8");
  terminal.send("\x7f4\r");
  await terminal.expect("Create dev from docker (v7)?");
  terminal.send("\r");
  await terminal.expect("Creating workspace dev");
  expect(await terminal.exited).toMatchObject({ exitCode: 0 });
  expect(bodies).toMatchObject([
    {
      name: "dev",
      rich_parameter_values: [
        { name: "region", value: "us" },
        { name: "cores", value: "4" },
      ],
    },
  ]);
});
