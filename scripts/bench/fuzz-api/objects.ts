import { randomUUID } from "node:crypto";
import { type Client, createClient } from "@fleet/sdk";
import type { Fleet } from "../../../e2e/harness/fleet.js";
import { createLocalWorkspace, pushLocalTemplate, workspaceOf } from "../../../e2e/harness/workspace.js";

/** Values for path parameters: `kept` for requests that only read, `spare` for those that may change or delete. */
export type Objects = { kept: Record<string, string>; spare: Record<string, string> };

/** The callers. The member owns a workspace and nothing else. */
export type Caller = { name: "owner" | "member"; token: string; client: Client };

const PASSWORD = "Correct-horse-2";

/** Creates one of everything that a path can name, and the callers. */
export async function makeObjects(fleet: Fleet): Promise<{ objects: Objects; callers: Caller[] }> {
  const { client } = fleet;
  const organization = (await client.organizationGet({ params: { organization: "default" } })).id;
  const spareOrganization = (await client.organizationCreate({ body: { name: "spare" } })).id;
  await pushLocalTemplate(fleet);
  await pushLocalTemplate(fleet, "spare");
  const template = await client.templateGetByName({ params: { organization, templateName: "local" } });
  const spareTemplate = await client.templateGetByName({ params: { organization, templateName: "spare" } });
  const version = await client.templateVersionGet({ params: { version: template.active_version_id } });
  const member = await newUser("member");
  const victim = await newUser("victim");
  const agent = await createLocalWorkspace(fleet, "kept");
  const kept = await workspaceOf(fleet, "kept");
  await createLocalWorkspace(fleet, "spare");
  const spare = await workspaceOf(fleet, "spare");
  const group = await client.groupCreate({ params: { organization }, body: { name: "kept" } });
  const spareGroup = await client.groupCreate({ params: { organization }, body: { name: "spare" } });
  const proxy = (await client.workspaceProxyCreate({ body: { name: "kept" } })).proxy;
  const spareProxy = (await client.workspaceProxyCreate({ body: { name: "spare" } })).proxy;
  for (const name of ["kept", "spare"]) {
    await client.provisionerKeyCreate({ params: { organization }, body: { name } });
    await client.tokenCreate({ params: { user: "me" }, body: { token_name: name } });
  }
  const tokens = await client.tokenList({ params: { user: "me" } });
  const keyOf = (name: string) => tokens.find(({ token_name }) => token_name === name)!.id;
  await client.portShareUpsert({
    params: { workspace: kept.id },
    body: { agent_name: agent.name, port: 8_080, share_level: "owner" },
  });
  await client.notificationTest();
  const [notification] = (await client.inboxList()).notifications;

  async function newUser(username: string) {
    const email = `${username}@example.com`;
    const user = await client.userCreate({
      body: { email, username, password: PASSWORD, user_status: "active" },
    });
    const login = await createClient({ baseUrl: fleet.url }).login({ body: { email, password: PASSWORD } });
    return { id: user.id, token: login.session_token };
  }

  const app = async (name: string) => {
    const { id } = await client.oauth2AppCreate({ body: { name, redirect_uris: ["https://a.example/"] } });
    const secret = await client.oauth2AppSecretCreate({ params: { oauth2App: id } });
    return { oauth2App: id, clientId: id, oauth2Secret: secret.id };
  };
  const common = {
    organization,
    agent: agent.id,
    agentName: agent.name,
    buildNumber: "1",
    file: version.job.file_id,
    job: version.job.id,
    notification: notification?.id ?? randomUUID(),
    os: "linux",
    arch: "amd64",
  };
  return {
    callers: [
      { name: "owner", token: fleet.token, client },
      {
        name: "member",
        token: member.token,
        client: createClient({ baseUrl: fleet.url, token: member.token }),
      },
    ],
    objects: {
      kept: {
        ...common,
        workspace: kept.id,
        workspaceName: "kept",
        build: kept.latest_build.id,
        template: template.id,
        templateName: "local",
        version: version.id,
        versionName: version.name,
        user: member.id,
        key: keyOf("kept"),
        keyName: "kept",
        group: group.id,
        groupName: "kept",
        proxy: proxy.id,
        ...(await app("kept")),
      },
      spare: {
        ...common,
        organization: spareOrganization,
        workspace: spare.id,
        workspaceName: "spare",
        build: spare.latest_build.id,
        template: spareTemplate.id,
        templateName: "spare",
        version: spareTemplate.active_version_id,
        versionName: "none",
        user: victim.id,
        key: keyOf("spare"),
        keyName: "spare",
        group: spareGroup.id,
        groupName: "spare",
        proxy: spareProxy.id,
        ...(await app("spare")),
      },
    },
  };
}
