import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { printJson } from "../../ui/output.js";
import { renderTable } from "../../ui/table.js";
import { cpuUsage, diskUsage, memoryUsage, SYSTEM, type Usage } from "./measure.js";

const PREFIXES = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 } as const;
type Prefix = keyof typeof PREFIXES;
type Options = { output: "text" | "json"; host?: boolean; prefix: Prefix; path: string };

/** A measurement in its display unit. */
type Reading = Usage & { unit: string };

export function statCommand(context: Context): Command {
  const cpu = (host: boolean) => cpuUsage(SYSTEM, host, (ms) => context.clock.sleep(ms));
  return new Command("stat")
    .description("Show CPU, memory and disk usage of the current workspace")
    .addOption(outputOption())
    .action(async ({ output }: Options) => {
      const readings = {
        cpu: inCores(await cpu(false)),
        memory: inBytes(await memoryUsage(SYSTEM, false), "Gi"),
        disk: inBytes(await diskUsage("/"), "Gi"),
      };
      if (output === "json") return printJson(context, readings);
      const columns = Object.entries(readings).map(([name, reading]) => ({
        name,
        text: () => textOf(reading),
      }));
      context.print(renderTable(columns, [{}]));
    })
    .addCommand(
      new Command("cpu")
        .description("Show CPU usage, in cores")
        .option("--host", "Show the usage of the host instead of the container")
        .addOption(outputOption())
        .action(async (options: Options) =>
          show(context, options, inCores(await cpu(options.host === true))),
        ),
    )
    .addCommand(
      new Command("mem")
        .description("Show memory usage")
        .option("--host", "Show the usage of the host instead of the container")
        .addOption(prefixOption())
        .addOption(outputOption())
        .action(async (options: Options) => {
          show(context, options, inBytes(await memoryUsage(SYSTEM, options.host === true), options.prefix));
        }),
    )
    .addCommand(
      new Command("disk")
        .description("Show disk usage")
        .option("--path <path>", "Path on the file system to measure", "/")
        .addOption(prefixOption())
        .addOption(outputOption())
        .action(async (options: Options) => {
          show(context, options, inBytes(await diskUsage(options.path), options.prefix));
        }),
    );
}

function outputOption(): Option {
  return new Option("-o, --output <format>", "Output format").choices(["text", "json"]).default("text");
}

function prefixOption(): Option {
  return new Option("--prefix <prefix>", "Unit prefix").choices(Object.keys(PREFIXES)).default("Gi");
}

function inCores(usage: Usage): Reading {
  return { ...usage, unit: "cores" };
}

function inBytes({ used, total }: Usage, prefix: Prefix): Reading {
  const size = PREFIXES[prefix];
  return { used: used / size, total: total && total / size, unit: `${prefix}B` };
}

function show(context: Context, options: Options, reading: Reading): void {
  if (options.output === "json") printJson(context, reading);
  else context.print(textOf(reading));
}

/** `1.2/4 cores (30%)` */
function textOf({ used, total, unit }: Reading): string {
  const short = (value: number) => String(Number(value.toFixed(1)));
  if (!total) return `${short(used)} ${unit}`;
  return `${short(used)}/${short(total)} ${unit} (${Math.round((used / total) * 100)}%)`;
}
