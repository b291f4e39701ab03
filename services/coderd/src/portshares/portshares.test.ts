import { createTestCoderd } from "../testing/coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";

test("a port share is limited by the template, changed and removed", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  await owner.client.templateUpdate({
    params: { template: template.id },
    body: { max_port_share_level: "authenticated" },
  });
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const params = { workspace: workspace.id };
  const share = (share_level: "owner" | "authenticated" | "public", port = 8080, agent_name = "main") =>
    owner.client.portShareUpsert({ params, body: { agent_name, port, share_level } });

  expect(await share("owner")).toMatchObject({ protocol: "http", share_level: "owner" });
  await share("authenticated");
  const { shares } = await owner.client.portShareList({ params });
  expect(shares).toEqual([expect.objectContaining({ port: 8080, share_level: "authenticated" })]);
  for (const [refused, field] of [
    [share("public"), "share_level"],
    [share("owner", 4), "port"],
    [share("owner", 8080, "other"), "agent_name"],
  ] as const)
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument", validations: [{ field }] });

  await owner.client.templateUpdate({
    params: { template: template.id },
    body: { max_port_share_level: "organization" },
  });
  const narrowed = await owner.client.portShareList({ params });
  expect(narrowed.shares).toEqual([expect.objectContaining({ port: 8080, share_level: "organization" })]);

  const body = { agent_name: "main", port: 8080 };
  await owner.client.portShareDelete({ params, body });
  await expect(owner.client.portShareDelete({ params, body })).rejects.toMatchObject({ code: "not_found" });
});
