import { createTestCoderd } from "../testing/coderd.js";

const params = { user: "me" };

test("quiet hours are the deployment's until a user sets their own", async () => {
  await using server = await createTestCoderd({
    env: { CODER_QUIET_HOURS_DEFAULT_SCHEDULE: "CRON_TZ=Europe/Berlin 30 2 * * *" },
  });
  const { client } = await server.owner();
  expect(await client.userQuietHours({ params })).toMatchObject({
    user_set: false,
    user_can_set: true,
    time: "02:30",
    timezone: "Europe/Berlin",
  });
  const own = await client.userQuietHoursUpdate({
    params,
    body: { schedule: "CRON_TZ=America/New_York 0 3 * * *" },
  });
  expect(own).toMatchObject({ user_set: true, time: "03:00", timezone: "America/New_York" });
  expect(new Date(own.next).getTime()).toBeGreaterThan(Date.now());
  for (const schedule of ["0 25 * * *", "CRON_TZ=Mars/Base 0 3 * * *", "0 3 * * 1-5"]) {
    const update = client.userQuietHoursUpdate({ params, body: { schedule } });
    await expect(update).rejects.toMatchObject({ validations: [{ field: "schedule" }] });
  }
  expect(await client.userQuietHoursUpdate({ params, body: { schedule: "" } })).toMatchObject({
    user_set: false,
  });
});

test("if users may not choose, the error says so", async () => {
  await using server = await createTestCoderd({ env: { CODER_ALLOW_CUSTOM_QUIET_HOURS: "false" } });
  const { client } = await server.owner();
  const update = client.userQuietHoursUpdate({ params, body: { schedule: "0 3 * * *" } });
  await expect(update).rejects.toMatchObject({ code: "permission_denied" });
});
