/** An agent's name, which becomes a part of host names. Case-insensitive. */
export const AGENT_NAME = /^[a-z0-9](?:-?[a-z0-9])*$/i;
/** An app's slug, which becomes a part of host names and paths. */
export const APP_SLUG = /^[a-z0-9](?:-?[a-z0-9])*$/;
