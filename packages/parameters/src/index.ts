export {
  type ParameterDefinition,
  type ParameterValue,
  type Resolved,
  type ResolveRequest,
  resolveValues,
  VALUES_LIMIT_BYTES,
  type Violation,
} from "./resolve.js";
export {
  type Bound,
  type Matches,
  NO_RULES,
  PatternRefused,
  ruleFault,
  rulesFault,
  type ValidationRules,
} from "./rules.js";
export {
  FORM_TYPES,
  type FormType,
  formTypesFor,
  isOfType,
  PARAMETER_TYPES,
  type ParameterType,
  parseList,
} from "./types.js";
export {
  isFixed,
  notOffered,
  type Option,
  type ParameterRules,
  rulesOfWire,
  type ValueOptions,
  valueFault,
  type WireParameter,
} from "./value.js";
