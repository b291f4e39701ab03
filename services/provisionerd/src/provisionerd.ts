import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, type Closer, FleetError, type Logger, VERSION } from "@fleet/base";
import { createEchoProvisioner, type Provisioner } from "@fleet/provisionersdk";
import type { Health } from "@fleet/telemetry";
import type { Registry } from "prom-client";
import { type CoderdClient, createCoderdClient } from "./coderd-client.js";
import type { Config } from "./config.js";
import { createDaemon, type Daemon } from "./daemon.js";
import { createFileCache } from "./files.js";
import { openFrontDoor } from "./front-door.js";
import { createInstruments } from "./instruments.js";
import { openJournal } from "./journal.js";
import { watchRights } from "./kubernetes/rights.js";
import { createRedisSource } from "./source/redis.js";
import { createRemoteSource } from "./source/remote.js";
import type { JobSource } from "./source/source.js";
import { setUpTerraform } from "./terraform/setup.js";
import { WARNING_CODES, type Warning } from "./warnings.js";

export type ProvisionerdOptions = {
  config: Config;
  /** Environment passed to terraform, without the daemon's own settings. */
  hostEnv: Readonly<Record<string, string | undefined>>;
  closer: Closer;
  registry: Registry;
  clock: Clock;
  logger: Logger;
};

export type Provisionerd = {
  daemon: Daemon;
  /** Unhealthy while the daemon cannot take jobs. */
  health: Health;
};

/** Starts the whole process: a daemon with its source and its provisioner. */
export async function startProvisionerd(options: ProvisionerdOptions): Promise<Provisionerd> {
  const { config, hostEnv, closer, clock, logger } = options;
  const { cacheDirectory } = config;
  await mkdir(cacheDirectory, { recursive: true, mode: 0o700 });

  const daemonId = randomUUID();
  const journal = await openJournal({ directory: join(cacheDirectory, "journal"), daemonId, clock, logger });
  const rights = await watchOwnRights(options);
  const provisioners: Provisioner[] = [];
  const lasting: Warning[] = [];
  for (const type of config.types) {
    if (type === "echo") provisioners.push(createEchoProvisioner({ clock }));
    else {
      provisioners.push(
        await setUpTerraform({
          cacheDirectory,
          cacheLimits: config.cacheLimits,
          ...config.terraform,
          onOutdated: (message) => lasting.push({ code: WARNING_CODES.engineOutdated, message }),
          isolation: config.isolation,
          limits: config.limits,
          onUnprotected: (message) => lasting.push({ code: WARNING_CODES.notIsolated, message }),
          hostEnv,
          closer,
          clock,
          logger,
        }),
      );
    }
  }

  const { client, source, explain } = await connect(options, daemonId);
  const daemon = createDaemon({
    client,
    source,
    explain,
    provisioners,
    journal,
    files: await createFileCache({ client, directory: join(cacheDirectory, "files"), clock }),
    identity: {
      daemonId,
      name: config.name,
      version: VERSION,
      tags: config.tags,
      slots: config.slots,
      organization: config.organization,
    },
    evaluationSlots: config.evaluationSlots,
    warnings: () => [
      ...lasting,
      ...rights.warnings(),
      ...(source.trouble ? [{ code: WARNING_CODES.sourceAway, message: source.trouble }] : []),
    ],
    instruments: createInstruments(options.registry),
    clock,
    logger,
  });
  void journal.deliver(client);
  return {
    daemon,
    health: {
      ready() {
        if (!daemon.ready) throw new FleetError("unavailable", "The daemon is not registered with coderd.");
      },
    },
  };
}

type Connected = { client: CoderdClient; source: JobSource; explain?: (error: unknown) => unknown };

/** Connects to coderd and its queue, or to coderd alone through the deployment's front door. */
async function connect(options: ProvisionerdOptions, daemonId: string): Promise<Connected> {
  const { config, closer, clock, logger } = options;
  const { coderd, credential } = config;
  if ("accessUrl" in coderd) {
    const door = await openFrontDoor({ ...coderd, credential });
    closer.add(() => door.close());
    const client = createCoderdClient({ address: door.address, credential });
    closer.add(() => client.close());
    const source = createRemoteSource({ client, daemonId, clock, logger });
    closer.add(() => source.close());
    return { client, source, explain: door.explain };
  }
  const client = createCoderdClient({ address: coderd.address, credential });
  closer.add(() => client.close());
  const source = createRedisSource({ ...coderd.redis, clock, logger });
  closer.add(() => source.close());
  return { client, source };
}

/** Does nothing outside a cluster. */
async function watchOwnRights(options: ProvisionerdOptions): Promise<{ warnings(): readonly Warning[] }> {
  const { config, closer, clock, logger } = options;
  const { apiServer: server, workspaceNamespaces: namespaces } = config;
  if (!server || namespaces.length === 0) return { warnings: () => [] };
  const rights = await watchRights({ server, namespaces, clock, logger });
  closer.add(() => rights.close());
  return rights;
}
