import { externalAuth } from "./data-sources/external-auth.js";
import { parameter } from "./data-sources/parameter.js";
import { provisioner } from "./data-sources/provisioner.js";
import { scriptOrder } from "./data-sources/script-order.js";
import { secret } from "./data-sources/secret.js";
import { task } from "./data-sources/task.js";
import { workspace } from "./data-sources/workspace.js";
import { workspaceOwner } from "./data-sources/workspace-owner.js";
import { workspacePreset } from "./data-sources/workspace-preset.js";
import { workspaceTags } from "./data-sources/workspace-tags.js";
import type { DataSource, Resource } from "./definition.js";
import { agent } from "./resources/agent.js";
import { agentInstance } from "./resources/agent-instance.js";
import { aiTask } from "./resources/ai-task.js";
import { app } from "./resources/app.js";
import { devcontainer } from "./resources/devcontainer.js";
import { env } from "./resources/env.js";
import { externalAgent } from "./resources/external-agent.js";
import { metadata } from "./resources/metadata.js";
import { script } from "./resources/script.js";
import { type Block, optional } from "./schema/block.js";

/** All data sources and resources of the provider, by the names that templates use. */
export const PROVIDER_BLOCK: Block = { attributes: { url: optional.string() } };

export const DATA_SOURCES: Readonly<Record<string, DataSource>> = {
  coder_external_auth: externalAuth,
  coder_parameter: parameter,
  coder_provisioner: provisioner,
  coder_script_order: scriptOrder,
  coder_secret: secret,
  coder_task: task,
  coder_workspace: workspace,
  coder_workspace_owner: workspaceOwner,
  coder_workspace_preset: workspacePreset,
  coder_workspace_tags: workspaceTags,
};

export const RESOURCES: Readonly<Record<string, Resource>> = {
  coder_agent: agent,
  coder_agent_instance: agentInstance,
  coder_ai_task: aiTask,
  coder_app: app,
  coder_devcontainer: devcontainer,
  coder_env: env,
  coder_external_agent: externalAgent,
  coder_metadata: metadata,
  coder_script: script,
};
