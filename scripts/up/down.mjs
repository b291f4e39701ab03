// `make down`: stops what `make up` started. Workspaces keep running, as they do when a deployment is updated.
import { runningPid } from "./places.mjs";

const pid = runningPid();
if (!pid) {
  console.log("The deployment is not running.");
  process.exit(0);
}
process.kill(pid, "SIGINT");
console.log(`Stopping process ${pid}, waiting for running builds.`);
while (runningPid() === pid) await new Promise((resolve) => setTimeout(resolve, 100));
console.log("Stopped.");
