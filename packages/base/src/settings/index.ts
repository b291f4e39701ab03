export {
  address,
  boolean,
  choice,
  duration,
  integer,
  list,
  pairs,
  parsed,
  type Setting,
  text,
  url,
} from "./kinds.js";
export {
  defineSettings,
  type Environment,
  type Settings,
  type ShownSetting,
  type ValuesOf,
} from "./settings.js";
