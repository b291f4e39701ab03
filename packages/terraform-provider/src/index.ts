export { DATA_SOURCES, RESOURCES } from "./catalogue.js";
export {
  agentScriptEnvName,
  type Environment,
  externalAuthEnvName,
  parameterEnvName,
  previousParameterEnvName,
  runningAgentTokenEnvName,
  secretEnvName,
  secretFileEnvName,
} from "./environment.js";
export {
  type HostedProvider,
  type HostOptions,
  hostProvider,
  PROVIDER_VERSION,
} from "./host.js";
export type { DataRead } from "./provider.js";
