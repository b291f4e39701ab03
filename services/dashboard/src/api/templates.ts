import { queryOptions } from "@tanstack/react-query";
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

export const versionsQuery = (template: string) =>
  queryOptions({
    queryKey: ["versions", template],
    queryFn: async ({ signal }) => {
      const versions = await client.templateVersionList({ params: { template }, signal });
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
