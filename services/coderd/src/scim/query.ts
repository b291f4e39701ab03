import { isUuid } from "@fleet/base";
import { ScimError } from "./errors.js";
import { fulfills, required, type Values } from "./evaluate.js";
import { type Filter, parseFilter } from "./filter.js";
import { toGroupResource } from "./group-resource.js";
import {
  GROUP_NARROWINGS,
  type GroupNarrowing,
  type GroupRecord,
  type ScimGroupStore,
} from "./groups-store.js";
import { leavesOut, type Projection, project } from "./project.js";
import { findAttribute, GROUP, MESSAGES, type ResourceType, USER } from "./schema.js";
import { toUserResource } from "./user-resource.js";
import { type ScimUserStore, USER_NARROWINGS, type UserNarrowing, type UserRecord } from "./users-store.js";

/** Maximum resources in a response. */
export const MAX_RESULTS = 200;
/** Rows that are read at a time when a filter has to look at all of them. */
const BATCH = 500;
/** Maximum members in one response of several groups: the page ends before, and the client asks for the next one. */
const MAX_MEMBERS_IN_PAGE = 50_000;

/** A query of RFC 7644 §3.4.2; `startIndex` counts from 1. */
export type Query = Projection & {
  filter?: string | undefined;
  sortBy?: string | undefined;
  sortOrder?: "ascending" | "descending" | undefined;
  startIndex?: number | undefined;
  count?: number | undefined;
};

/** A page of resources, and how many there are in all. */
type Found = { total: number; resources: Values[] };

export type ScimQueries = {
  /** @throws ScimError invalidFilter, tooMany. */
  users(query: Query): Promise<Values>;
  /** @throws ScimError invalidFilter, tooMany. */
  groups(query: Query): Promise<Values>;
  /** Users, and then groups. @throws ScimError invalidFilter, tooMany. */
  all(query: Query): Promise<Values>;
};

/** How resources of one type are read. */
type Source<Row, Narrowing> = {
  type: ResourceType;
  narrowings: readonly string[];
  count(): Promise<number>;
  page(page: { limit: number; offset: number }): Promise<Row[]>;
  after(id: string | undefined, limit: number, narrowing?: Narrowing): Promise<Row[]>;
  /** Resources as the filter needs them. */
  forFilter(rows: readonly Row[], filter: Filter | undefined): Promise<Values[]>;
  /** Resources for the response, perhaps fewer. */
  forResponse(rows: readonly Row[], projection: Projection): Promise<Values[]>;
};

export function createScimQueries(options: {
  users: ScimUserStore;
  groups: ScimGroupStore;
  /** URL of the SCIM service. */
  base: string;
}): ScimQueries {
  const { users, groups, base } = options;

  const userSource: Source<UserRecord, UserNarrowing> = {
    type: USER,
    narrowings: USER_NARROWINGS,
    ...users,
    forFilter: async (rows) => rows.map((row) => toUserResource(row, base)),
    forResponse: async (rows) => rows.map((row) => toUserResource(row, base)),
  };

  const groupSource: Source<GroupRecord, GroupNarrowing> = {
    type: GROUP,
    narrowings: GROUP_NARROWINGS,
    ...groups,
    async forFilter(rows, filter) {
      const ids = filter ? membersNamed(filter) : [];
      const wanted = rows.map(({ id }) => id);
      const members =
        ids === "all"
          ? await groups.members(wanted)
          : ids.length > 0
            ? await groups.members(wanted, ids)
            : new Map();
      return rows.map((row) => toGroupResource(row, base, members.get(row.id)));
    },
    async forResponse(rows, projection) {
      if (leavesOut(GROUP, projection, "members"))
        return rows.map((row) => toGroupResource(row, base, undefined));
      const counts = await groups.countMembers(rows.map(({ id }) => id));
      let sum = 0;
      const shown = rows.filter(({ id }, index) => {
        sum += counts.get(id) ?? 0;
        return index === 0 || sum <= MAX_MEMBERS_IN_PAGE;
      });
      const members = await groups.members(shown.map(({ id }) => id));
      return shown.map((row) => toGroupResource(row, base, members.get(row.id)));
    },
  };

  async function find<Row extends { id: string }, Narrowing>(
    source: Source<Row, Narrowing>,
    query: Query,
  ): Promise<Found> {
    const offset = Math.max(1, query.startIndex ?? 1) - 1;
    const limit = Math.min(Math.max(0, query.count ?? MAX_RESULTS), MAX_RESULTS);
    const filter = query.filter ? parseFilter(query.filter) : undefined;
    const show = async (rows: readonly Row[]) =>
      (await source.forResponse(rows, query)).map((resource) => project(source.type, resource, query));
    if (!filter && !query.sortBy) {
      const total = await source.count();
      return {
        total,
        resources: limit > 0 && offset < total ? await show(await source.page({ limit, offset })) : [],
      };
    }
    const matching = await matchingRows(source, filter, query);
    return { total: matching.length, resources: await show(matching.slice(offset, offset + limit)) };
  }

  /** All rows that fulfill the filter, sorted. Reads only what the filter can be narrowed to. */
  async function matchingRows<Row extends { id: string }, Narrowing>(
    source: Source<Row, Narrowing>,
    filter: Filter | undefined,
    { sortBy, sortOrder }: Query,
  ): Promise<Row[]> {
    const narrowing = filter && required(filter, source.narrowings);
    const isId = narrowing && ["id", "members", "members.value"].includes(narrowing.attribute);
    if (isId && !isUuid(narrowing.value)) return [];
    const found: { row: Row; key: string }[] = [];
    for (let last: string | undefined; ; ) {
      const rows = await source.after(last, BATCH, narrowing as Narrowing | undefined);
      const resources = await source.forFilter(rows, filter);
      for (const [index, row] of rows.entries()) {
        const resource = resources[index]!;
        if (!filter || fulfills(source.type, filter, resource))
          found.push({ row, key: sortBy ? sortKey(source.type, resource, sortBy) : "" });
      }
      last = rows.at(-1)?.id;
      if (rows.length < BATCH) break;
    }
    const sign = sortOrder === "descending" ? -1 : 1;
    if (sortBy) found.sort((a, b) => sign * (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return found.map(({ row }) => row);
  }

  const listOf = (found: Found, startIndex: number) => ({
    schemas: [`${MESSAGES}ListResponse`],
    totalResults: found.total,
    startIndex: Math.max(1, startIndex),
    itemsPerPage: found.resources.length,
    Resources: found.resources,
  });

  return {
    users: async (query) => listOf(await find(userSource, query), query.startIndex ?? 1),
    groups: async (query) => listOf(await find(groupSource, query), query.startIndex ?? 1),
    async all(query) {
      const startIndex = Math.max(1, query.startIndex ?? 1);
      const count = Math.max(0, query.count ?? MAX_RESULTS);
      const first = await find(userSource, { ...query, startIndex, count });
      const rest = await find(groupSource, {
        ...query,
        startIndex: Math.max(1, startIndex - first.total),
        count: Math.min(count, MAX_RESULTS) - first.resources.length,
      });
      return listOf(
        { total: first.total + rest.total, resources: [...first.resources, ...rest.resources] },
        startIndex,
      );
    },
  };
}

/** Text by which resources are sorted; those without the attribute come last. @throws ScimError invalidValue. */
function sortKey(type: ResourceType, resource: Values, sortBy: string): string {
  const found = findAttribute(type, sortBy);
  if (found.kind === "resource") throw new ScimError("invalidValue", '"sortBy" must name an attribute.');
  if (found.kind !== "attribute") return LAST;
  const { attribute, sub } = found;
  const held = resource[attribute.name];
  const first = (
    Array.isArray(held) ? (held.find(({ primary }) => primary === true) ?? held[0]) : held
  ) as unknown;
  const value = attribute.type === "complex" ? (first as Values | undefined)?.[sub?.name ?? "value"] : first;
  if (value === undefined) return LAST;
  return (sub ?? attribute).caseExact ? String(value) : String(value).toLowerCase();
}

const LAST = "\uffff";

/**
 * Ids of the users whose memberships the filter asks for; `all` if it looks at members in another way. So a filter for the
 * groups of a user need not read all their members.
 */
function membersNamed(filter: Filter): string[] | "all" {
  switch (filter.kind) {
    case "and":
    case "or": {
      const parts = filter.parts.map(membersNamed);
      return parts.includes("all") ? "all" : parts.flatMap((part) => part as string[]);
    }
    case "not":
      return membersNamed(filter.part);
    case "value":
      return isMembers(filter.attribute) ? idsIn(filter.filter, "value") : [];
    case "present":
      return isMembers(filter.attribute) ? "all" : [];
    case "compare":
      return isMembers(filter.attribute) ? idsIn(filter, "members", "members.value") : [];
  }
}

function isMembers(name: string): boolean {
  const found = findAttribute(GROUP, name);
  return found.kind === "attribute" && found.attribute.name === "members";
}

/** The id with which one of these attributes is compared. */
function idsIn(filter: Filter, ...attributes: readonly string[]): string[] | "all" {
  const isId = filter.kind === "compare" && attributes.includes(filter.attribute.toLowerCase());
  if (!isId || filter.operator !== "eq" || typeof filter.value !== "string") return "all";
  return isUuid(filter.value) ? [filter.value] : [];
}
