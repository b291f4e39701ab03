import { randomBytes } from "node:crypto";

/** A disposable Postgres and Redis, with the secrets that the chart needs. */
export function storeObjects(namespace: string, image: string): object[] {
  const password = randomBytes(16).toString("hex");
  return [
    secret(namespace, "stores-postgres", `postgres://coder:${password}@postgres:5432/postgres`),
    secret(namespace, "stores-redis", `redis://:${password}@redis:6379`),
    ...store(namespace, image, "postgres", 5432, {
      env: { POSTGRES_PASSWORD: password },
      // No fsync: the data is deleted with the pod, but survives a container restart.
      command: `printf %s "$POSTGRES_PASSWORD" > /data/password
        [ -d /data/pg ] || initdb --pgdata /data/pg --username coder --auth scram-sha-256 --pwfile /data/password > /dev/null
        grep -q '^host all all all' /data/pg/pg_hba.conf || echo 'host all all all scram-sha-256' >> /data/pg/pg_hba.conf
        exec postgres -D /data/pg -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off`,
      ready: ["pg_isready", "--host", "127.0.0.1"],
    }),
    ...store(namespace, image, "redis", 6379, {
      env: { REDISCLI_AUTH: password },
      command: 'exec redis-server --bind 0.0.0.0 --dir /data --save "" --requirepass "$REDISCLI_AUTH"',
      ready: ["redis-cli", "ping"],
    }),
  ];
}

function secret(namespace: string, name: string, url: string): object {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData: { url } };
}

type Store = { env: Record<string, string>; command: string; ready: string[] };

function store(namespace: string, image: string, name: string, port: number, of: Store): object[] {
  const labels = { "app.kubernetes.io/name": name };
  const container = {
    name,
    image,
    imagePullPolicy: "IfNotPresent",
    command: ["sh", "-euc", of.command],
    env: Object.entries(of.env).map(([key, value]) => ({ name: key, value })),
    ports: [{ containerPort: port }],
    readinessProbe: {
      exec: { command: of.ready },
      periodSeconds: 1,
      timeoutSeconds: 5,
      failureThreshold: 60,
    },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    volumeMounts: [{ name: "data", mountPath: "/data" }],
  };
  const spec = {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 5,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 1000,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [container],
    volumes: [{ name: "data", emptyDir: {} }],
  };
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace, labels },
      spec: {
        selector: { matchLabels: labels },
        strategy: { type: "Recreate" },
        template: { metadata: { labels }, spec },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: { selector: labels, ports: [{ port }] },
    },
  ];
}
