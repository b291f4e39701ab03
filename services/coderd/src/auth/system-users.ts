/** Owns the workspaces that are built in advance, until they are claimed. Upstream's id. */
export const PREBUILDS_USER_ID = "c42fdf75-3097-471c-8c33-fb52454d81c0";
export const PREBUILDS_USERNAME = "prebuilds";
