import type { Values } from "./evaluate.js";
import { MAX_RESULTS } from "./query.js";
import { type Attribute, RESOURCE_TYPES, type ResourceType, SCHEMA } from "./schema.js";

/** What the service supports (RFC 7643 §5). */
export function serviceProviderConfig(base: string): Values {
  return {
    schemas: [SCHEMA.serviceProviderConfig],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: MAX_RESULTS },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: "oauthbearertoken",
        name: "Bearer token",
        description: "The value of CODER_SCIM_AUTH_HEADER, in the Authorization header.",
        specUri: "https://www.rfc-editor.org/info/rfc6750",
        primary: true,
      },
    ],
    meta: { resourceType: "ServiceProviderConfig", location: `${base}/ServiceProviderConfig` },
  };
}

/** The types of resources (RFC 7643 §6). */
export function resourceTypes(base: string): Values[] {
  return RESOURCE_TYPES.map(({ name, endpoint, schema, description }) => ({
    schemas: [SCHEMA.resourceType],
    id: name,
    name,
    endpoint,
    description,
    schema,
    meta: { resourceType: "ResourceType", location: `${base}/ResourceTypes/${name}` },
  }));
}

/** The schemas of the resources, and of what describes them (RFC 7643 §7). */
export function schemas(base: string): Values[] {
  return RESOURCE_TYPES.map(({ name, schema, description, attributes }: ResourceType) => ({
    schemas: [SCHEMA.schema],
    id: schema,
    name,
    description,
    attributes: attributes.map(toWire),
    meta: { resourceType: "Schema", location: `${base}/Schemas/${schema}` },
  }));
}

function toWire(attribute: Attribute): Values {
  const { name, type, description, subAttributes, canonicalValues, referenceTypes } = attribute;
  return {
    name,
    type,
    description,
    multiValued: attribute.multiValued ?? false,
    required: attribute.required ?? false,
    ...(type === "complex" || type === "boolean" ? {} : { caseExact: attribute.caseExact ?? false }),
    mutability: attribute.mutability ?? "readWrite",
    returned: attribute.returned ?? "default",
    uniqueness: attribute.uniqueness ?? "none",
    ...(canonicalValues ? { canonicalValues } : {}),
    ...(referenceTypes ? { referenceTypes } : {}),
    ...(subAttributes ? { subAttributes: subAttributes.map(toWire) } : {}),
  };
}
