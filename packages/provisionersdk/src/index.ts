export { AGENT_PLATFORMS, type AgentPlatform, agentScript } from "./agentscripts.js";
export { packFiles, packFolder, readArchive, unpackArchive, writeEntries } from "./archive/archive.js";
export type { ArchiveEntry } from "./archive/entry.js";
export { ARCHIVE_LIMITS, TAR_MIMETYPE, ZIP_MIMETYPES } from "./archive/limits.js";
export { type PackedTree, packTree, type TreeLimits, unpackTree } from "./archive/tree.js";
export { packZip } from "./archive/zip.js";
export { createEchoProvisioner } from "./echo/echo.js";
export { ECHO_FILE, type EchoStep, type EchoTemplate, echoTemplate } from "./echo/template.js";
export { type Reduction, reduceConfiguration, UNKNOWN_NAME, writeReduction } from "./evaluation/reduce.js";
export { type AgentToken, agentTokensOf } from "./graph/agent-tokens.js";
export { planSummaryOf, summaryOfChanges } from "./graph/changes.js";
export { type Declared, declaredIn } from "./graph/declared.js";
export { type DependencyGraph, parseGraph } from "./graph/dot.js";
export {
  deferredOfPlan,
  type Instance,
  instancesOfChanges,
  instancesOfPlan,
  instancesOfState,
} from "./graph/instances.js";
export {
  compareParameters,
  externalAuthProvidersOf,
  parametersOf,
  presetsOf,
  workspaceTagsOf,
} from "./graph/parameters.js";
export { resourcesOf } from "./graph/resources.js";
export { warningsOf } from "./graph/warnings.js";
export type * from "./provisioner.js";
export { NO_ARCHIVES } from "./provisioner.js";
export { readmeOf } from "./template/archive.js";
export {
  type Configuration,
  foreignBackend,
  hasConfiguration,
  needsNoInit,
  readConfiguration,
  stateEncryption,
  usesForeignModules,
  variablesOf,
} from "./template/configuration.js";
export { folderReadsOwnerSession } from "./template/owner-session.js";
export { pinWarning } from "./template/pin.js";
