/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { choose, fill, press, pressLast } from "../testing/act.js";
import { openPage } from "../testing/page.js";
import { TIME, uuid } from "../testing/samples.js";

const secret = {
  id: uuid(100),
  name: "npm",
  description: "",
  env_name: "NPM_TOKEN",
  file_path: "",
  enabled: true,
  created_at: TIME,
  updated_at: TIME,
};

test("a secret needs a place; one that is edited keeps its value", async () => {
  using deployment = openPage("/settings/secrets", {
    userSecretList: [secret],
    userSecretUpdate: secret,
    userSecretCreate: secret,
  });
  await press("Create secret");
  await fill("Name", "npm");
  await fill("Value", "abc");
  await pressLast("Create secret");
  await screen.findByText("Enter a variable, a file, or both.");
  await fill(/Environment variable/, "NPM_TOKEN");
  await pressLast("Create secret");
  await choose("More actions for npm", "Edit…");
  await fill(/Description/, "Registry");
  await press("Save secret");
  const fields = { env_name: "NPM_TOKEN", file_path: "", enabled: true };
  expect(deployment.writes.map(({ body }) => body)).toEqual([
    { ...fields, name: "npm", value: "abc", description: "" },
    { ...fields, description: "Registry" },
  ]);
});

test("a service whose token expired is signed in to again", async () => {
  using _ = openPage("/settings/external-auth", {
    externalAuthList: {
      providers: [
        {
          id: "hub",
          type: "github",
          device: false,
          display_name: "GitHub",
          display_icon: "",
          allow_refresh: true,
          allow_validate: true,
          supports_revocation: false,
          code_challenge_methods_supported: [],
        },
      ],
      links: [
        {
          provider_id: "hub",
          created_at: TIME,
          updated_at: TIME,
          has_refresh_token: false,
          expires: TIME,
          authenticated: false,
          validate_error: "The token was revoked.",
        },
      ],
    },
  });
  await screen.findByText("The token was revoked.");
  expect((await screen.findByRole("link", { name: "Sign in" })).getAttribute("href")).toBe(
    "/external-auth/hub",
  );
});

test("an app's access is revoked after a question", async () => {
  using deployment = openPage("/settings/apps", {
    oauth2AppList: [
      {
        id: uuid(95),
        name: "Backstage",
        icon: "",
        callback_url: "",
        redirect_uris: [],
        client_type: "public",
        dynamically_registered: true,
        scope: "",
        created_at: TIME,
        endpoints: { authorization: "", token: "", token_revoke: "", device_authorization: "" },
      },
    ],
    oauth2TokensRevoke: undefined,
  });
  await press("Revoke…");
  expect(deployment.writes).toEqual([]);
  await press("Revoke access");
  expect(deployment.writes.map(({ query }) => query.get("client_id"))).toEqual([uuid(95)]);
});

test("quiet hours are saved with their time zone", async () => {
  const hours = {
    raw_schedule: "CRON_TZ=Europe/Berlin 0 2 * * *",
    user_set: true,
    user_can_set: true,
    time: "02:00",
    timezone: "Europe/Berlin",
    next: TIME,
  };
  using deployment = openPage("/settings/schedule", {
    userQuietHours: hours,
    userQuietHoursUpdate: hours,
  });
  await fill("Begin at", "03:30");
  await press("Save");
  await screen.findByText("Quiet hours saved.");
  expect(deployment.writes[0]!.body).toEqual({ schedule: "CRON_TZ=Europe/Berlin 30 3 * * *" });
});
