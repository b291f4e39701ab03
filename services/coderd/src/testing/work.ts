import { type EchoTemplate, echoTemplate, TAR_MIMETYPE } from "@fleet/provisionersdk";
import type {
  CreateWorkspaceRequest,
  Template,
  TemplateVersion,
  Workspace,
  WorkspaceBuild,
} from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import type { TestCoderd, TestUser } from "./coderd.js";
import { startTestProvisioner, type TestProvisioner, type TestProvisionerOptions } from "./provisioner.js";

/** A template with one resource and one agent. */
export const ONE_AGENT: EchoTemplate = {
  resources: [
    {
      name: "main",
      type: "null_resource",
      address: "null_resource.main",
      agents: [
        { name: "main", operatingSystem: "linux", architecture: "amd64", connectionTimeoutSeconds: 120 },
      ],
    },
  ],
};

/** Registers a daemon with the test's coderd. */
export function startProvisioner(
  test: TestCoderd,
  options: Partial<TestProvisionerOptions> = {},
): Promise<TestProvisioner> {
  return startTestProvisioner({
    grpcAddress: test.coderd.grpcAddress,
    redisUrl: test.config.CODER_REDIS_URL,
    prefix: test.config.CODER_REDIS_PREFIX,
    ...options,
  });
}

/** Uploads an echo template and creates a version of it; its import waits for a daemon. */
export async function createVersion(
  { client }: TestUser,
  echo: EchoTemplate = ONE_AGENT,
  options: {
    name?: string;
    template_id?: string;
    tags?: Record<string, string>;
    user_variable_values?: { name: string; value: string }[];
  } = {},
): Promise<TemplateVersion> {
  const { hash } = await client.fileUpload({
    body: new Uint8Array(await echoTemplate(echo)),
    contentType: TAR_MIMETYPE,
  });
  return client.templateVersionCreate({
    params: { organization: "default" },
    body: { storage_method: "file", file_id: hash, provisioner: "echo", ...options },
  });
}

/** Waits until the version's import has ended. */
export function imported({ client }: TestUser, version: TemplateVersion): Promise<TemplateVersion> {
  return waitFor(
    async () => {
      const now = await client.templateVersionGet({ params: { version: version.id } });
      return now.job.completed_at ? now : undefined;
    },
    { what: "the template to be imported" },
  );
}

/** Creates a template; requires a daemon that is serving. */
export async function createTemplate(
  user: TestUser,
  echo: EchoTemplate = ONE_AGENT,
  name = "echo",
): Promise<Template> {
  const version = await imported(user, await createVersion(user, echo));
  if (version.job.status !== "succeeded") throw new Error(`The import failed: ${version.job.error}`);
  return user.client.templateCreate({
    params: { organization: "default" },
    body: { name, template_version_id: version.id },
  });
}

export function createWorkspace(
  { client }: TestUser,
  template: Template,
  options: Partial<CreateWorkspaceRequest> = {},
): Promise<Workspace> {
  return client.workspaceCreate({
    params: { user: "me" },
    body: { template_id: template.id, name: "dev", ...options },
  });
}

/** Waits until the workspace's latest build has ended. */
export function built({ client }: TestUser, workspace: { id: string }): Promise<WorkspaceBuild> {
  return waitFor(
    async () => {
      const { latest_build: build } = await client.workspaceGet({
        params: { workspace: workspace.id },
        query: { include_deleted: true },
      });
      return build.job.completed_at ? build : undefined;
    },
    { what: "the build to end" },
  );
}
