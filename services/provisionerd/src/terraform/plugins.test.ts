import { mkdir, mkdtemp, readdir, rm, symlink, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@fleet/base";
import { UNUSED_AFTER_MS } from "../files.js";
import { openPluginCache } from "./plugins.js";

test("a provider is evicted when it is old and no prepared folder links to it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fleet-plugins-"));
  try {
    const [plugins, prepared] = [join(folder, "plugins"), join(folder, "prepared")];
    const of = "registry.terraform.io/hashicorp/time";
    const old = new Date(Date.now() - UNUSED_AFTER_MS - 60_000);
    for (const version of ["0.1.0", "0.2.0", "0.3.0"]) {
      await mkdir(join(plugins, of, version, "linux_amd64"), { recursive: true });
      if (version !== "0.3.0") await utimes(join(plugins, of, version), old, old);
    }
    await mkdir(join(prepared, "key/.terraform/providers", of, "0.2.0"), { recursive: true });
    await symlink(
      join(plugins, of, "0.2.0/linux_amd64"),
      join(prepared, "key/.terraform/providers", of, "0.2.0/linux_amd64"),
    );
    await openPluginCache(plugins, prepared, systemClock);
    expect((await readdir(join(plugins, of))).sort()).toEqual(["0.2.0", "0.3.0"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
