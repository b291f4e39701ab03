import { packFiles, readArchive, readConfiguration, TAR_MIMETYPE } from "@fleet/provisionersdk";
import { mocksFor } from "./mocks.js";

async function mocks(main: string, locked: string[]) {
  const entries = await readArchive(await packFiles({ "main.tf": main }), TAR_MIMETYPE);
  return mocksFor(locked, readConfiguration(entries));
}

const DOCKER = "registry.terraform.io/kreuzwerker/docker";

test("a provider is mocked under its name in the root module, with each of its aliases", async () => {
  const main = `terraform {
  required_providers {
    engine = { source = "Kreuzwerker/docker" }
    coder  = { source = "coder/coder" }
  }
}
provider "engine" {}
provider "engine" {
  alias = "gpu"
}
provider "coder" {
  alias = "second"
}`;
  expect(await mocks(main, [DOCKER])).toEqual({
    mocks: [{ name: "engine" }, { name: "engine", alias: "gpu" }],
    requirements: [],
  });
});

test("a provider that only a module requires is made known to the root module", async () => {
  const main = 'terraform {\n  required_providers {\n    docker = { source = "acme/docker" }\n  }\n}';
  const aws = "registry.terraform.io/hashicorp/aws";
  expect(await mocks(main, ["registry.terraform.io/acme/docker", DOCKER, aws])).toEqual({
    mocks: [{ name: "docker" }, { name: "fleet-docker" }, { name: "aws" }],
    requirements: [{ name: "fleet-docker", source: DOCKER }],
  });
});
