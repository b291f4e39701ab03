import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client } from "./client.js";
import { isFleetError } from "./errors.js";

export const templatesKey = ["templates"];

export const templatesQuery = queryOptions({
  queryKey: templatesKey,
  queryFn: ({ signal }) => client.templateList({ signal }),
});

/** Finds a template by name in any of the user's organizations. */
export const templateQuery = (name: string) =>
  queryOptions({
    queryKey: ["template", name],
    queryFn: async ({ signal }) => {
      const found = (await client.templateList({ signal })).find((template) => template.name === name);
      if (found) return found;
      // Deprecated templates may be missing from the list.
      return client.templateGetByName({ params: { organization: "default", templateName: name }, signal });
    },
  });

/** True if a template of the organization has this name. */
export const templateNameTakenQuery = (organization: string, templateName: string) =>
  queryOptions({
    queryKey: ["template-name", organization, templateName],
    queryFn: async ({ signal }) => {
      try {
        await client.templateGetByName({ params: { organization, templateName }, signal });
        return true;
      } catch (error) {
        if (isFleetError(error, "not_found")) return false;
        throw error;
      }
    },
  });

/** What the user may do with this template. */
export const templatePermissionsQuery = (template: string) =>
  queryOptions({
    queryKey: ["template-permissions", template],
    staleTime: 60_000,
    queryFn: ({ signal }) => {
      const object = { resource_type: "template", resource_id: template };
      const checks = {
        update: { object, action: "update" },
        delete: { object, action: "delete" },
      };
      return client.authCheck({ body: { checks }, signal }) as Promise<Record<keyof typeof checks, boolean>>;
    },
  });

export const templateAclQuery = (template: string) =>
  queryOptions({
    queryKey: ["template-acl", template],
    queryFn: ({ signal }) => client.templateAcl({ params: { template }, signal }),
  });

/** Users and groups that match a search and could be given access. */
export const templateAclAvailableQuery = (template: string, q: string) =>
  queryOptions({
    queryKey: ["template-acl-available", template, q],
    queryFn: ({ signal }) =>
      client.templateAclAvailable({ params: { template }, query: { q, limit: 20 }, signal }),
    placeholderData: keepPreviousData,
  });

/** Workspaces of a template, by page from 1. */
export const templateWorkspacesQuery = (template: string, { page, size }: { page: number; size: number }) =>
  queryOptions({
    queryKey: ["template-workspaces", template, page, size],
    queryFn: ({ signal }) =>
      client.workspaceList({
        query: { q: `template:${template}`, limit: size, offset: (page - 1) * size },
        signal,
      }),
    placeholderData: keepPreviousData,
  });

export const templateDausQuery = (template: string) =>
  queryOptions({
    queryKey: ["template-daus", template],
    queryFn: ({ signal }) => client.templateDaus({ params: { template }, signal }),
  });

/** Polling interval of a running import, in addition to its log. */
const IMPORT_POLL_MS = 5_000;

export const versionQuery = (version: string) =>
  queryOptions({
    queryKey: ["version", version],
    queryFn: ({ signal }) => client.templateVersionGet({ params: { version }, signal }),
    refetchInterval: ({ state }) => (state.data && !state.data.job.completed_at ? IMPORT_POLL_MS : false),
  });

export const versionByNameQuery = (template: string, versionName: string) =>
  queryOptions({
    queryKey: ["version-by-name", template, versionName],
    queryFn: ({ signal }) => client.templateVersionGetByName({ params: { template, versionName }, signal }),
    refetchInterval: ({ state }) => (state.data && !state.data.job.completed_at ? IMPORT_POLL_MS : false),
  });

/** The version that was created before; null if there is none. */
export const previousVersionQuery = (
  { organization_id, name }: { organization_id: string; name: string },
  versionName: string,
) =>
  queryOptions({
    queryKey: ["previous-version", organization_id, name, versionName],
    queryFn: async ({ signal }) =>
      (await client.templateVersionPrevious({
        params: { organization: organization_id, templateName: name, versionName },
        signal,
      })) ?? null,
  });

export const variablesQuery = (version: string) =>
  queryOptions({
    queryKey: ["version-variables", version],
    queryFn: ({ signal }) => client.templateVersionVariables({ params: { version }, signal }),
  });

/** The starter templates. */
export const examplesQuery = queryOptions({
  queryKey: ["template-examples"],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: ({ signal }) => client.templateExampleList({ signal }),
});

/** A template's versions, latest first. */
export const versionsQuery = (template: string, archived = false) =>
  queryOptions({
    queryKey: ["versions", template, archived],
    queryFn: async ({ signal }) => {
      const query = archived ? { include_archived: true } : {};
      const versions = await client.templateVersionList({ params: { template }, query, signal });
      return versions.toReversed();
    },
  });

/** Latest first. A failure shows in what needs them, such as the version of a new workspace: that is then the active one. */
export const rolloutsQuery = (template: string) =>
  queryOptions({
    queryKey: ["rollouts", template],
    queryFn: ({ signal }) => client.rolloutList({ params: { template }, signal }),
    retry: false,
  });

/** How often the page asks how a running rollout is doing; the server takes a step every 10 s. */
const ROLLOUT_POLL_MS = 10_000;

/** A rollout, and how the workspaces fare that took its version. */
export const rolloutQuery = (template: string, rollout: string) =>
  queryOptions({
    queryKey: ["rollouts", template, rollout],
    queryFn: ({ signal }) => client.rolloutGet({ params: { template, rollout }, signal }),
    refetchInterval: ({ state }) => (state.data?.rollout.status === "running" ? ROLLOUT_POLL_MS : false),
  });

export const richParametersQuery = (version: string) =>
  queryOptions({
    queryKey: ["rich-parameters", version],
    queryFn: ({ signal }) => client.templateVersionRichParameters({ params: { version }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const presetsQuery = (version: string) =>
  queryOptions({
    queryKey: ["presets", version],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      try {
        return await client.templateVersionPresets({ params: { version }, signal });
      } catch (error) {
        if (isFleetError(error, "not_found", "unimplemented")) return [];
        throw error;
      }
    },
  });

export const externalAuthQuery = (version: string) =>
  queryOptions({
    queryKey: ["version-external-auth", version],
    queryFn: ({ signal }) => client.templateVersionExternalAuth({ params: { version }, signal }),
  });

/** The user's last values for this template. */
export const autofillQuery = (template: string) =>
  queryOptions({
    queryKey: ["autofill", template],
    queryFn: ({ signal }) =>
      client.userAutofillParameters({ params: { user: "me" }, query: { template_id: template }, signal }),
  });
