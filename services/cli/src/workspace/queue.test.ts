import pc from "picocolors";
import { build } from "../testing/objects.js";
import { noteQueue } from "./queue.js";

const tags = { scope: "organization", owner: "", gpu: "yes" };

function said(job: object, available: number): string {
  const lines: string[] = [];
  const context = { note: (text: string) => void lines.push(text), colors: pc.createColors(false) };
  const built = build();
  noteQueue(context, {
    job: { ...built.job, status: "pending", tags, ...job },
    matched_provisioners: { count: available, available },
  });
  return lines.join("\n");
}

test("a pending job says what it waits for", () => {
  expect(said({}, 0)).toContain("No connected provisioner matches the tags scope=organization gpu=yes.");
  expect(said({ queue_position: 3, queue_size: 5 }, 2)).toBe(
    "Waiting for a provisioner (position 3 of 5 in the queue)…",
  );
  expect(said({ queue_position: 1, queue_size: 1 }, 2)).toBe("");
  expect(said({ status: "running" }, 0)).toBe("");
});
