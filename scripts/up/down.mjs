// `make down`: stops what `make up` started. Workspaces go on running, as they do when a deployment is updated.
import { runningPid } from "./places.mjs";

const pid = runningPid();
if (!pid) {
  console.log("The fleet is not running.");
  process.exit(0);
}
process.kill(pid, "SIGINT");
console.log(`Stopping process ${pid}; builds that run are waited for.`);
while (runningPid() === pid) await new Promise((resolve) => setTimeout(resolve, 100));
console.log("Stopped.");
