import { Transition } from "@fleet/proto-gen/provisioner";

export const METADATA = {
  transition: Transition.START,
  coderUrl: "http://127.0.0.1:3000",
  workspaceId: "11111111-1111-1111-1111-111111111111",
  workspaceBuildId: "33333333-3333-3333-3333-333333333333",
  workspaceName: "bench",
  ownerId: "22222222-2222-2222-2222-222222222222",
  ownerName: "ana",
  templateId: "t",
  templateName: "bench",
  templateVersion: "v1",
};

export const TEMPLATE = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_parameter" "cpu" {
  name    = "cpu"
  type    = "number"
  default = 2
}
resource "coder_agent" "main" {
  os             = "linux"
  arch           = "amd64"
  startup_script = "echo ready"
  env            = { OWNER = data.coder_workspace_owner.me.name }
  metadata {
    key      = "load"
    script   = "uptime"
    interval = 10
  }
}
resource "coder_app" "web" {
  agent_id = coder_agent.main.id
  slug     = "web"
  url      = "http://localhost:8080"
}
resource "coder_script" "setup" {
  agent_id     = coder_agent.main.id
  display_name = "Setup"
  script       = "true"
  run_on_start = true
}
resource "terraform_data" "home" {
  input = data.coder_workspace.me.id
}
resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
  input = { script = coder_agent.main.init_script, home = terraform_data.home.id, cpu = data.coder_parameter.cpu.value }
}
`;

/** The same with a daily cost, which needs a quota decision between plan and apply. */
export const PRICED = `${TEMPLATE}
resource "coder_metadata" "machine" {
  count       = data.coder_workspace.me.start_count
  resource_id = terraform_data.machine[0].id
  daily_cost  = 4
}
`;

/** The same with a module of a server, which has to be resolved. */
export const modular = (source: string) => `${TEMPLATE}
module "tools" {
  source = "${source}"
}
`;
