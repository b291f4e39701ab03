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
export { type NumberedEntry, numbered } from "./numbered.js";
export {
  defineSettings,
  type Environment,
  type Settings,
  type ShownSetting,
  shownEntries,
  type ValuesOf,
} from "./settings.js";
