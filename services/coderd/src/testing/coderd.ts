import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type Clock, createCloser, nullLogger } from "@fleet/base";
import { type Client, createClient } from "@fleet/sdk";
import { createTestDatabase, createTestRedis } from "@fleet/testkit";
import { Registry } from "prom-client";
import { type Coderd, createCoderd } from "../coderd.js";
import { type Config, settings } from "../config.js";
import { migrate } from "../database/migrate.js";

export const MIGRATIONS_DIR = fileURLToPath(new URL("../../prisma/migrations", import.meta.url));

export const PSK = "test-psk";
export const PROXY_TOKEN = "test-proxy-token";
const PASSWORD = "SomeSecurePassword!";

/** A real coderd with its own database and Redis prefix. */
export type TestCoderd = AsyncDisposable & {
  readonly coderd: Coderd;
  readonly config: Config;
  /** An unauthenticated client. */
  readonly anonymous: Client;
  /** Creates the first user, an owner, and returns its client. */
  owner(): Promise<TestUser>;
  /** Creates a member, as the owner. */
  user(owner: TestUser, options?: { username?: string; roles?: string[] }): Promise<TestUser>;
  clientOf(token: string): Client;
  /** The first replica's Prometheus metrics. */
  scrape(): Promise<string>;
  /** A second replica on the same database and Redis, optionally with its own settings. */
  replica(env?: Record<string, string>): Promise<Coderd>;
};

export type TestUser = { client: Client; token: string; id: string; username: string; password: string };

export type TestCoderdOptions = {
  env?: Record<string, string>;
  /** Defaults to the system clock. */
  clock?: Clock;
};

/** Starts coderd; use with `await using`. */
export async function createTestCoderd(options: TestCoderdOptions = {}): Promise<TestCoderd> {
  const closer = createCloser();
  const database = await createTestDatabase({
    migrate: async (url) => void (await migrate(url, MIGRATIONS_DIR, nullLogger)),
  });
  closer.add(async () => database[Symbol.asyncDispose]());
  const redis = await createTestRedis();
  closer.add(async () => redis[Symbol.asyncDispose]());
  const read = (env: Record<string, string> = {}) =>
    settings.read({
      CODER_PG_CONNECTION_URL: database.url,
      CODER_PG_CONN_MAX_OPEN: "5",
      CODER_REDIS_URL: redis.url,
      CODER_REDIS_PREFIX: redis.prefix,
      CODER_HTTP_ADDRESS: "127.0.0.1:0",
      CODER_GRPC_ADDRESS: "127.0.0.1:0",
      CODER_PROVISIONER_DAEMON_PSK: PSK,
      CODER_PROXY_SESSION_TOKEN: PROXY_TOKEN,
      ...(options.env?.CODER_API_RATE_LIMIT ? {} : { CODER_DANGEROUS_DISABLE_RATE_LIMITS: "true" }),
      ...options.env,
      ...env,
    });
  const config = read();
  const start = async (registry = new Registry(), settings = config) => {
    const passwordCost = { ln: 4, r: 8, p: 1 };
    const coderd = await createCoderd({
      config: settings,
      logger: nullLogger,
      registry,
      passwordCost,
      ...(options.clock ? { clock: options.clock } : {}),
    });
    closer.add(() => coderd.close());
    return coderd;
  };
  const registry = new Registry();
  const coderd = await start(registry);
  const clientOf = (token?: string) => createClient({ baseUrl: coderd.httpUrl, ...(token ? { token } : {}) });

  async function signIn(email: string, username: string, id: string): Promise<TestUser> {
    const { session_token: token } = await clientOf().login({ body: { email, password: PASSWORD } });
    return { client: clientOf(token), token, id, username, password: PASSWORD };
  }

  return {
    coderd,
    config,
    anonymous: clientOf(),
    clientOf,
    scrape: () => registry.metrics(),
    replica: (env) => start(new Registry(), read(env)),
    async owner() {
      const email = "owner@example.com";
      const body = { email, username: "owner", password: PASSWORD };
      const { user_id } = await clientOf().userFirstCreate({ body });
      return signIn(email, "owner", user_id);
    },
    async user(owner, { username = `user-${randomUUID().slice(0, 8)}`, roles = [] } = {}) {
      const email = `${username}@example.com`;
      const user = await owner.client.userCreate({
        body: { email, username, password: PASSWORD, user_status: "active" },
      });
      if (roles.length > 0)
        await owner.client.userRolesUpdate({ params: { user: user.id }, body: { roles } });
      return signIn(email, username, user.id);
    },
    [Symbol.asyncDispose]: () => closer.close(),
  };
}
