import type { Delivery } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { allPages, PAGE_SIZE } from "../../pages.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";

export function notificationsCommand(context: Context): Command {
  return new Command("notifications")
    .alias("notification")
    .description("Manage notifications")
    .addCommand(pauseCommand(context, "pause", "Pause notifications; they wait until resumed"))
    .addCommand(pauseCommand(context, "resume", "Resume notifications and send those that waited"))
    .addCommand(testCommand(context))
    .addCommand(customCommand(context))
    .addCommand(failedCommand(context))
    .addCommand(retryCommand(context));
}

function pauseCommand(context: Context, name: "pause" | "resume", description: string): Command {
  return new Command(name).description(description).action(async () => {
    const { client } = await context.session();
    await client.notificationSettingsUpdate({ body: { notifier_paused: name === "pause" } });
    context.note(name === "pause" ? "Notifications are paused." : "Notifications are resumed.");
  });
}

function testCommand(context: Context): Command {
  return new Command("test").description("Send yourself a test notification").action(async () => {
    const { client } = await context.session();
    await client.notificationTest();
    context.note("A test notification was sent. If it does not arrive, see: coder notifications failed");
  });
}

function customCommand(context: Context): Command {
  return new Command("custom")
    .description("Send yourself a notification, for example at the end of a script")
    .argument("<title>")
    .argument("<message>")
    .action(async (title: string, message: string) => {
      const { client } = await context.session();
      await client.notificationCustom({ body: { content: { title, message } } });
      context.note("The notification was sent.");
    });
}

function columns(context: Context): Column<Delivery>[] {
  return [
    { name: "id", text: ({ id }) => id },
    { name: "message", text: ({ subject }) => subject },
    { name: "destination", text: ({ destination }) => destination },
    { name: "attempts", text: ({ attempts }) => String(attempts) },
    { name: "reason", text: ({ reason }) => reason },
    { name: "created at", text: ({ created_at }) => ago(created_at, context.clock.now()) },
  ];
}

function failedCommand(context: Context): Command {
  const shown = columns(context);
  return withListOutput(
    new Command("failed").description("List notifications and webhook messages that could not be delivered"),
    shown,
  ).action(async (options: OutputOptions) => {
    const { client } = await context.session();
    const deliveries = await allPages(async (offset) => {
      const query = { state: "dead", limit: PAGE_SIZE, offset } as const;
      const { deliveries: items, count } = await client.deliveryList({ query });
      return { items, count };
    });
    printList(context, options, shown, deliveries);
  });
}

function retryCommand(context: Context): Command {
  return new Command("retry")
    .description("Send messages again that could not be delivered: those with the IDs, or all of them")
    .argument("[ids...]")
    .action(async (ids: string[]) => {
      const { client } = await context.session();
      const { retried } = await client.deliveryRetry({ body: ids.length > 0 ? { ids } : {} });
      context.note(`${retried} ${retried === 1 ? "message is" : "messages are"} sent again.`);
    });
}
