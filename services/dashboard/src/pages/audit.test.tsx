/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen, within } from "@testing-library/react";
import { press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { organization, TIME, user, uuid } from "../testing/samples.js";

const entry = {
  id: uuid(60),
  request_id: uuid(61),
  time: TIME,
  ip: "192.0.2.1",
  user_agent: "curl/8",
  resource_type: "user",
  resource_id: uuid(9),
  resource_target: "bea",
  resource_icon: "",
  action: "write",
  diff: {
    name: { old: "Bea", new: "Beatrice", secret: false },
    hashed_password: { old: "", new: "", secret: true },
  },
  status_code: 200,
  additional_fields: null,
  description: "{user} updated user {target}",
  resource_link: "/users?filter=bea",
  is_deleted: false,
  organization_id: uuid(2),
  user,
};

test("an entry shows what changed, without secrets; the export keeps the search", async () => {
  using _ = openPage("/audit?q=action:write", { auditList: { audit_logs: [entry], count: 1 } });
  await press("ana updated user bea");
  const dialog = within(await screen.findByRole("dialog"));
  expect(dialog.getAllByRole("row").map(({ textContent }) => textContent)).toEqual([
    "FieldBeforeAfter",
    "nameBeaBeatrice",
    "hashed_password(secret)(secret)",
  ]);
  await press("Close");
  expect((await screen.findByRole("link", { name: "Export" })).getAttribute("href")).toBe(
    "/api/v2/audit/export?q=action%3Awrite",
  );
});

test("a search that the server refuses is told at the field", async () => {
  const detail = '"colour" is not a valid key.';
  using _ = openPage("/audit?q=colour:red", {
    auditList: new ApiError(400, "Invalid search.", [{ field: "q", detail }]),
  });
  await screen.findByText(detail);
  await screen.findByText("No matching entries");
});

test("connections show who, how, for how long and how they ended", async () => {
  const connection = {
    id: uuid(70),
    connect_time: TIME,
    organization,
    workspace_owner_id: user.id,
    workspace_owner_username: "ana",
    workspace_id: uuid(40),
    workspace_name: "dev",
    agent_name: "main",
    ip: "192.0.2.1",
    type: "ssh" as const,
    user,
    user_agent: "",
    ssh_info: { connection_id: uuid(71), exit_code: 130 },
    disconnect_time: "2026-03-02T09:05:00Z",
  };
  using _ = openPage("/connectionlog", {
    connectionLogList: {
      connection_logs: [
        connection,
        {
          ...connection,
          id: uuid(72),
          user: null,
          type: "workspace_app",
          ssh_info: undefined,
          disconnect_time: undefined,
        },
      ],
      count: 2,
    },
  });
  await screen.findByText("Exit code 130");
  await screen.findByText("5 min 0 s");
  await screen.findByText("Visitor");
  await screen.findByText("Open");
});
