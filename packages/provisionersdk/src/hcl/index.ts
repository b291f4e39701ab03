export { DYNAMIC, type Literal, literalOf } from "./literal.js";
export { attributeOf, type HclAttribute, type HclBlock, type HclBody, parseHcl } from "./parse.js";
export { quoteLine } from "./quote.js";
export { requiredProviders } from "./required-providers.js";
export { HclSyntaxError } from "./tokens.js";
