import { create } from "@bufbuild/protobuf";
import { type Job, type Job_WorkspaceBuild, Job_WorkspaceBuildSchema } from "@fleet/proto-gen/provisioner";

/** The build that the job runs or plans; undefined for other jobs. */
export function buildOf(type: Job["type"]): Job_WorkspaceBuild | undefined {
  if (type.case === "workspaceBuild") return type.value;
  return type.case === "workspacePlan" ? (type.value.build ?? create(Job_WorkspaceBuildSchema)) : undefined;
}
