/** A schema's attribute, in the form of RFC 7643 §7, whose defaults are left out. */
export type Attribute = {
  name: string;
  type: "string" | "boolean" | "dateTime" | "reference" | "complex";
  description: string;
  multiValued?: true;
  required?: true;
  /** Whether letters of different case differ. */
  caseExact?: true;
  mutability?: "readOnly" | "readWrite" | "immutable";
  returned?: "always" | "default";
  uniqueness?: "server";
  canonicalValues?: readonly string[];
  referenceTypes?: readonly string[];
  subAttributes?: readonly Attribute[];
};

export type ResourceType = {
  name: "User" | "Group";
  endpoint: "/Users" | "/Groups";
  schema: string;
  description: string;
  attributes: readonly Attribute[];
};

const SCHEMAS = "urn:ietf:params:scim:schemas:core:2.0:";
export const MESSAGES = "urn:ietf:params:scim:api:messages:2.0:";
export const SCHEMA = {
  user: `${SCHEMAS}User`,
  group: `${SCHEMAS}Group`,
  serviceProviderConfig: `${SCHEMAS}ServiceProviderConfig`,
  resourceType: `${SCHEMAS}ResourceType`,
  schema: `${SCHEMAS}Schema`,
} as const;

const text = (name: string, description: string): Attribute => ({ name, type: "string", description });
const readOnly = (attribute: Attribute): Attribute => ({ ...attribute, mutability: "readOnly" });

/** Attributes of every resource, which no schema lists (RFC 7643 §3.1). */
export const COMMON: readonly Attribute[] = [
  {
    ...readOnly(text("id", "Identifier of the resource.")),
    caseExact: true,
    returned: "always",
    uniqueness: "server",
  },
  { ...text("externalId", "Identifier of the resource at the client."), caseExact: true },
  {
    name: "meta",
    type: "complex",
    mutability: "readOnly",
    description: "Metadata of the resource.",
    subAttributes: [
      { ...readOnly(text("resourceType", "Type of the resource.")), caseExact: true },
      { ...readOnly(text("created", "When it was created.")), type: "dateTime" },
      { ...readOnly(text("lastModified", "When it was last changed.")), type: "dateTime" },
      { ...readOnly(text("location", "URL of the resource.")), type: "reference", caseExact: true },
      { ...readOnly(text("version", "Entity tag of the resource.")), caseExact: true },
    ],
  },
];

export const USER: ResourceType = {
  name: "User",
  endpoint: "/Users",
  schema: SCHEMA.user,
  description: "User account",
  attributes: [
    {
      ...text("userName", "Unique name of the user at the identity provider, often an email address."),
      required: true,
      uniqueness: "server",
    },
    {
      name: "name",
      type: "complex",
      description: "Name of the person.",
      subAttributes: [
        text("formatted", "Full name."),
        text("familyName", "Family name."),
        text("givenName", "Given name."),
      ],
    },
    text("displayName", "Name to show, if the name is not set."),
    text("title", "Job title."),
    text("preferredLanguage", "Preferred language, as in Accept-Language."),
    text("locale", "Language tag, for example en-US."),
    text("timezone", "Time zone, for example Europe/Berlin."),
    { name: "active", type: "boolean", required: true, description: "False for a suspended user." },
    {
      name: "emails",
      type: "complex",
      multiValued: true,
      required: true,
      description: "Email addresses; the primary one is that of the account.",
      subAttributes: [
        { ...text("value", "Email address."), required: true },
        text("display", "Name of the address."),
        { ...text("type", "Kind of address."), canonicalValues: ["work", "home", "other"] },
        { name: "primary", type: "boolean", description: "Whether this is the address of the account." },
      ],
    },
    {
      name: "groups",
      type: "complex",
      multiValued: true,
      mutability: "readOnly",
      description: "Groups that the user is a member of.",
      subAttributes: [
        { ...readOnly(text("value", "Identifier of the group.")), caseExact: true },
        {
          ...readOnly(text("$ref", "URL of the group.")),
          type: "reference",
          referenceTypes: ["Group"],
          caseExact: true,
        },
        readOnly(text("display", "Name of the group.")),
        { ...readOnly(text("type", "Kind of membership.")), canonicalValues: ["direct"] },
      ],
    },
  ],
};

export const GROUP: ResourceType = {
  name: "Group",
  endpoint: "/Groups",
  schema: SCHEMA.group,
  description: "Group of users in the default organization",
  attributes: [
    { ...text("displayName", "Unique name of the group."), required: true, uniqueness: "server" },
    {
      name: "members",
      type: "complex",
      multiValued: true,
      description: "Members of the group.",
      subAttributes: [
        {
          ...text("value", "Identifier of the user."),
          required: true,
          caseExact: true,
          mutability: "immutable",
        },
        {
          ...text("$ref", "URL of the user."),
          type: "reference",
          referenceTypes: ["User"],
          caseExact: true,
          mutability: "immutable",
        },
        { ...text("type", "Type of the member."), canonicalValues: ["User"], mutability: "immutable" },
      ],
    },
  ],
};

export const RESOURCE_TYPES: readonly ResourceType[] = [USER, GROUP];

/** Attributes of RFC 7643 that are not stored: clients send them by default, so they are ignored rather than refused. */
const IGNORED = new Set(
  [
    "schemas",
    "nickName",
    "profileUrl",
    "userType",
    "password",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "entitlements",
    "roles",
    "x509Certificates",
  ].map((name) => name.toLowerCase()),
);

/** What an attribute path of a filter or PATCH names. */
export type Found =
  | { kind: "attribute"; attribute: Attribute; sub?: Attribute }
  /** All attributes of the resource, by the URI of its schema. */
  | { kind: "resource" }
  /** An attribute that is accepted and not stored. */
  | { kind: "ignored" }
  | { kind: "unknown" };

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

export function attributeOf(attributes: readonly Attribute[], name: string): Attribute | undefined {
  return attributes.find((attribute) => same(attribute.name, name));
}

/** The attribute of a name such as `name.familyName`, with or without its schema's URI. Case does not matter. */
export function findAttribute(type: ResourceType, name: string): Found {
  if (same(name, type.schema)) return { kind: "resource" };
  const isOwn = name.toLowerCase().startsWith(`${type.schema.toLowerCase()}:`);
  const path = isOwn ? name.slice(type.schema.length + 1) : name;
  if (/^urn:/i.test(path)) return { kind: "ignored" };
  const [first = "", second, ...rest] = path.split(".");
  const attribute = attributeOf([...type.attributes, ...COMMON], first);
  if (!attribute) return { kind: IGNORED.has(first.toLowerCase()) ? "ignored" : "unknown" };
  if (second === undefined) return { kind: "attribute", attribute };
  const sub = attributeOf(attribute.subAttributes ?? [], second);
  return sub && rest.length === 0 ? { kind: "attribute", attribute, sub } : { kind: "unknown" };
}
