import { isUuid } from "@fleet/base";
import {
  fromTemplateSettings,
  fromTemplateUpdate,
  toExample,
  toTemplate,
  toVersion,
} from "../../convert/templates.js";
import type { Organizations } from "../../organizations/service.js";
import { BadTemplate } from "../../templates/errors.js";
import type { Templates } from "../../templates/service.js";
import type { TemplateFilter } from "../../templates/store.js";
import type { Examples } from "../../templateversions/examples.js";
import type { TemplateVersions } from "../../templateversions/service.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";

export type TemplateHandlerOptions = {
  templates: Templates;
  templateVersions: TemplateVersions;
  examples: Examples;
  organizations: Organizations;
};

export function createTemplateHandlers({
  templates,
  templateVersions,
  examples,
  organizations,
}: TemplateHandlerOptions) {
  return {
    templateList: async ({ actor, query }) => {
      const filter = parseTemplateQuery(query.q ?? "");
      return (await templates.list(actor, filter)).map(toTemplate);
    },
    templateListByOrganization: async ({ actor, params, query }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      const filter = { ...parseTemplateQuery(query.q ?? ""), organizationId: id };
      return (await templates.list(actor, filter)).map(toTemplate);
    },
    templateExampleList: async () => (await examples.list()).map(toExample),
    templateExampleListByOrganization: async ({ actor, params }) => {
      await organizations.require(actor, "read", params.organization);
      return (await examples.list()).map(toExample);
    },
    templateCreate: async ({ actor, params, body }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      const template = await templates.create(actor, {
        ...fromTemplateSettings({
          ...body,
          time_til_dormant_ms: body.dormant_ttl_ms,
          time_til_dormant_autodelete_ms: body.delete_ttl_ms,
        }),
        name: body.name,
        organizationId: id,
        versionId: body.template_version_id,
        closedToEveryone: body.disable_everyone_group_access ?? false,
      });
      return toTemplate(template);
    },
    templateGetByName: async ({ actor, params }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      return toTemplate(await templates.getByName(actor, id, params.templateName));
    },
    templateVersionGetByOrganization: async ({ actor, params }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      const template = await templates.requireByName(actor, "read", id, params.templateName);
      return toVersion(await templateVersions.getByName(actor, template.id, params.versionName));
    },
    templateVersionPrevious: async ({ actor, params }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      const template = await templates.requireByName(actor, "read", id, params.templateName);
      const previous = await templateVersions.previous(actor, template.id, params.versionName);
      return previous ? toVersion(previous) : new Reply(undefined, { status: 204 });
    },
    templateGet: async ({ actor, params }) => toTemplate(await templates.get(actor, params.template)),
    templateUpdate: async ({ actor, params, body }) =>
      toTemplate(await templates.update(actor, params.template, fromTemplateUpdate(body))),
    templateDelete: async ({ actor, params }) => {
      await templates.delete(actor, params.template);
      return { message: "Template has been deleted!" };
    },
    templateVersionList: async ({ actor, params, query }) => {
      await templates.require(actor, "read", params.template);
      const versions = await templateVersions.list(actor, params.template, {
        includeArchived: query.include_archived ?? false,
        limit: query.limit ?? 0,
        offset: query.offset ?? 0,
        afterId: query.after_id,
      });
      return versions.map(toVersion);
    },
    templateVersionPromote: async ({ actor, params, body }) => {
      await templates.promote(actor, params.template, body.id);
      return { message: "Updated the active template version!" };
    },
    templateVersionArchiveUnused: async ({ actor, params, body }) => ({
      template_id: params.template,
      archived_ids: await templates.archiveUnused(actor, params.template, body.all ?? false),
    }),
    templateVersionGetByName: async ({ actor, params }) => {
      await templates.require(actor, "read", params.template);
      return toVersion(await templateVersions.getByName(actor, params.template, params.versionName));
    },
  } satisfies Partial<Handlers>;
}

/** Parses `exact_name:`, `deprecated:` and free text; `organization:` takes an id. */
function parseTemplateQuery(query: string): TemplateFilter {
  const filter: TemplateFilter = {};
  const words: string[] = [];
  for (const token of query.split(/\s+/).filter(Boolean)) {
    const [key, value = ""] = token.split(/:(.*)/s, 2);
    if (!token.includes(":")) words.push(token);
    else if (key === "exact_name") filter.exactName = value;
    else if (key === "name") filter.text = value;
    else if (key === "deprecated") filter.deprecated = value === "true";
    else if (key === "organization" && isUuid(value)) filter.organizationId = value;
    else if (key !== "organization") {
      throw new BadTemplate(
        "q",
        `"${key}" is not a valid search key. Valid keys: name, exact_name, deprecated, organization. Plain text is also allowed.`,
      );
    }
  }
  if (words.length > 0) filter.text = words.join(" ");
  return filter;
}
