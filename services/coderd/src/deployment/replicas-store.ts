import type { Database } from "../database/client.js";

export type Replica = {
  id: string;
  hostname: string;
  version: string;
  startedAt: Date;
  beatAt: Date;
  databaseLatencyUs: number;
};

export type ReplicaStore = {
  /** Records a heartbeat; the first one creates the replica's row. */
  beat(replica: Pick<Replica, "id" | "hostname" | "version" | "startedAt" | "beatAt">): Promise<void>;
  setLatency(id: string, databaseLatencyUs: number): Promise<void>;
  /** Replicas with a heartbeat since then, oldest first. */
  listAlive(since: Date): Promise<Replica[]>;
  delete(id: string): Promise<void>;
};

export function createReplicaStore(db: Database): ReplicaStore {
  return {
    async beat({ id, beatAt, ...rest }) {
      const create = { id, beatAt, ...rest };
      await db.replica.upsert({ where: { id }, create, update: { beatAt }, select: { id: true } });
    },
    async setLatency(id, databaseLatencyUs) {
      await db.replica.update({ where: { id }, data: { databaseLatencyUs }, select: { id: true } });
    },
    listAlive: (since) =>
      db.replica.findMany({
        where: { beatAt: { gt: since } },
        orderBy: { startedAt: "asc" },
      }),
    async delete(id) {
      await db.replica.deleteMany({ where: { id } });
    },
  };
}
