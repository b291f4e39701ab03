/** What happened, in words. Placeholders like `{{name}}` stand for the notification's labels. */
export type NotificationTemplate = {
  /** Upstream's, where it has the event: clients and webhook receivers filter by it. */
  readonly id: string;
  readonly name: string;
  readonly group: "Workspace Events" | "User Events" | "Template Events" | "Custom Events";
  /** One line. */
  readonly title: string;
  readonly body: string;
  /** Links to pages of the dashboard. */
  readonly actions: readonly { readonly label: string; readonly path: string }[];
  readonly icon: string;
  /** Users have to turn it on. */
  readonly offByDefault?: true;
  /** Goes to the inbox alone, unless an administrator chooses a method for it. */
  readonly inboxByDefault?: true;
  /** Only sent by email, even if the user has turned it off: it answers the user's own request. */
  readonly onlyEmail?: true;
  /** Also sent to a suspended user. */
  readonly toSuspended?: true;
};

const WORKSPACE = { label: "View workspace", path: "/@{{owner}}/{{name}}" };
const BUILD = { label: "View build", path: "/@{{owner}}/{{name}}/builds/{{build_number}}" };
const USERS = { label: "View users", path: "/users" };
const WORKSPACES = { label: "View workspaces", path: "/workspaces" };
const TEMPLATES = { label: "View templates", path: "/templates" };

/** The events that users are notified of. */
export const TEMPLATES_BY_EVENT = {
  workspaceCreated: {
    id: "281fdf73-c6d6-4cbb-8ff5-888baf8a2fff",
    name: "Workspace Created",
    group: "Workspace Events",
    title: 'Workspace "{{name}}" created',
    body: 'The workspace "{{name}}" was created for you by {{initiator}}, from version "{{version}}" of the template "{{template}}".',
    actions: [WORKSPACE],
    icon: "/icon/workspace.svg",
  },
  workspaceDeleted: {
    id: "f517da0b-cdc9-410f-ab89-a86107c420ed",
    name: "Workspace Deleted",
    group: "Workspace Events",
    title: 'Workspace "{{name}}" deleted',
    body: 'Your workspace "{{name}}" was deleted. Reason: {{reason}}.',
    actions: [WORKSPACES, TEMPLATES],
    icon: "/icon/workspace.svg",
  },
  workspaceAutobuildFailed: {
    id: "381df2a9-c0c0-4749-420f-80a9280c66f9",
    name: "Workspace Autobuild Failed",
    group: "Workspace Events",
    title: 'Automatic build of workspace "{{name}}" failed',
    body: 'The automatic {{transition}} of your workspace "{{name}}" failed. Reason for the build: {{reason}}. Error: {{error}}',
    actions: [BUILD, WORKSPACE],
    icon: "/icon/workspace.svg",
  },
  workspaceManualBuildFailed: {
    id: "2faeee0f-26cb-4e96-821c-85ccb9f71513",
    name: "Workspace Manual Build Failed",
    group: "Workspace Events",
    title: 'Build of workspace "{{name}}" failed',
    body: 'The {{transition}} of the workspace "{{owner}}/{{name}}", requested by {{initiator}}, failed. Template: "{{template}}", version "{{version}}". Error: {{error}}',
    actions: [BUILD],
    icon: "/icon/workspace.svg",
  },
  workspaceDormant: {
    id: "0ea69165-ec14-4314-91f1-69566ac3c5a0",
    name: "Workspace Marked as Dormant",
    group: "Workspace Events",
    title: 'Workspace "{{name}}" marked as dormant',
    body: 'Your workspace "{{name}}" was marked as dormant. Reason: {{reason}}.\n{{deletion}}\nActivate the workspace to use it again. {{unpushed}}',
    actions: [WORKSPACE],
    icon: "/icon/workspace.svg",
  },
  workspaceMarkedForDeletion: {
    id: "51ce2fdf-c9ca-4be1-8d70-628674f9bc42",
    name: "Workspace Marked for Deletion",
    group: "Workspace Events",
    title: 'Workspace "{{name}}" marked for deletion',
    body: 'Your dormant workspace "{{name}}" will be deleted on {{deleting_at}}. To prevent that, activate the workspace. {{unpushed}}',
    actions: [WORKSPACE],
    icon: "/icon/workspace.svg",
  },
  workspaceStopsSoon: {
    id: "7c9d3d0e-5b64-4c0a-9d58-6f2b1a7d8e43",
    name: "Workspace Stops Soon",
    group: "Workspace Events",
    title: 'Workspace "{{name}}" stops soon',
    body: 'Your workspace "{{name}}" stops at {{deadline}}. {{advice}}',
    actions: [WORKSPACE],
    icon: "/icon/workspace.svg",
    inboxByDefault: true,
  },
  workspaceAutoUpdated: {
    id: "c34a0c09-0704-4cac-bd1c-0c0146811c2b",
    name: "Workspace Updated Automatically",
    group: "Workspace Events",
    title: 'Workspace "{{name}}" updated automatically',
    body: 'Your workspace "{{name}}" is being updated to version "{{version}}" of the template "{{template}}". Message of the version: {{message}}',
    actions: [WORKSPACE],
    icon: "/icon/workspace.svg",
  },
  workspaceManuallyUpdated: {
    id: "d089fe7b-d5c5-4c0c-aaf5-689859f7d392",
    name: "Workspace Manually Updated",
    group: "Workspace Events",
    title: 'Workspace "{{name}}" updated',
    body: '{{initiator}} is updating your workspace "{{name}}" to version "{{version}}" of the template "{{template}}".',
    actions: [WORKSPACE],
    icon: "/icon/workspace.svg",
  },
  outOfMemory: {
    id: "a9d027b4-ac49-4fb1-9f6d-45af15f64e7a",
    name: "Workspace Out Of Memory",
    group: "Workspace Events",
    title: 'Workspace "{{name}}" is running out of memory',
    body: "Memory usage of the workspace is above the threshold of {{threshold}}. Close programs, or give the workspace more memory.",
    actions: [WORKSPACE],
    icon: "/icon/memory.svg",
  },
  outOfDisk: {
    id: "f047f6a3-5713-40f7-85aa-0394cce9fa3a",
    name: "Workspace Out Of Disk",
    group: "Workspace Events",
    title: 'Workspace "{{name}}" is running out of disk space',
    body: "Disk usage is above the threshold on: {{volumes}}. Delete files, or give the workspace more disk space.",
    actions: [WORKSPACE],
    icon: "/icon/disk.svg",
  },

  userAccountCreated: {
    id: "4e19c0ac-94e1-4532-9515-d1801aa283b2",
    name: "User account created",
    group: "User Events",
    title: 'User account "{{account}}" created',
    body: 'The user account "{{account}}" ({{account_name}}) was created by {{initiator}}.',
    actions: [USERS],
    icon: "/icon/user.svg",
  },
  userAccountDeleted: {
    id: "f44d9314-ad03-4bc8-95d0-5cad491da6b6",
    name: "User account deleted",
    group: "User Events",
    title: 'User account "{{account}}" deleted',
    body: 'The user account "{{account}}" ({{account_name}}) was deleted by {{initiator}}.',
    actions: [USERS],
    icon: "/icon/user.svg",
  },
  userAccountSuspended: {
    id: "b02ddd82-4733-4d02-a2d7-c36f3598997d",
    name: "User account suspended",
    group: "User Events",
    title: 'User account "{{account}}" suspended',
    body: 'The user account "{{account}}" ({{account_name}}) was suspended by {{initiator}}.',
    actions: [USERS],
    icon: "/icon/user.svg",
  },
  userAccountActivated: {
    id: "9f5af851-8408-4e73-a7a1-c6502ba46689",
    name: "User account activated",
    group: "User Events",
    title: 'User account "{{account}}" activated',
    body: 'The user account "{{account}}" ({{account_name}}) was activated by {{initiator}}.',
    actions: [USERS],
    icon: "/icon/user.svg",
  },
  yourAccountSuspended: {
    id: "6a2f0609-9b69-4d36-a989-9f5925b6cbff",
    name: "Your account has been suspended",
    group: "User Events",
    title: "Your account has been suspended",
    body: 'Your account "{{account}}" was suspended by {{initiator}}. Ask an administrator to activate it.',
    actions: [],
    icon: "/icon/user.svg",
    toSuspended: true,
  },
  yourAccountActivated: {
    id: "1a6a6bea-ee0a-43e2-9e7c-eabdb53730e4",
    name: "Your account has been activated",
    group: "User Events",
    title: "Your account has been activated",
    body: 'Your account "{{account}}" was activated by {{initiator}}.',
    actions: [{ label: "Open the dashboard", path: "/" }],
    icon: "/icon/user.svg",
  },
  oneTimePasscode: {
    id: "62f86a30-2330-4b61-a26d-311ff3b608cf",
    name: "One-Time Passcode",
    group: "User Events",
    title: "Reset your password",
    body: "Use the link below to set a new password. It works once, for 20 minutes.\n\nIf you did not request this, ignore this message: your password stays the same.",
    actions: [
      {
        label: "Reset password",
        path: "/reset-password/change?otp={{one_time_passcode}}&email={{email}}",
      },
    ],
    icon: "/icon/user.svg",
    onlyEmail: true,
  },

  templateDeleted: {
    id: "29a09665-2a4c-403f-9648-54301670e7be",
    name: "Template Deleted",
    group: "Template Events",
    title: 'Template "{{name}}" deleted',
    body: 'The template "{{name}}" was deleted by {{initiator}}.',
    actions: [TEMPLATES],
    icon: "/icon/template.svg",
  },
  templateDeprecated: {
    id: "f40fae84-55a2-42cd-99fa-b41c1ca64894",
    name: "Template Deprecated",
    group: "Template Events",
    title: 'Template "{{name}}" deprecated',
    body: 'The template "{{name}}" of your workspace was deprecated: {{message}}\nYour workspace keeps working, but no workspaces can be created from the template any more.',
    actions: [WORKSPACES, TEMPLATES],
    icon: "/icon/template.svg",
  },
  prebuildFailureLimitReached: {
    id: "414d9331-c1fc-4761-b40c-d1f4702279eb",
    name: "Prebuild Failure Limit Reached",
    group: "Template Events",
    title: 'Prebuilt workspaces of template "{{name}}" keep failing',
    body: 'The last {{failures}} prebuilt workspaces of the preset "{{preset}}" of the template "{{name}}", version "{{version}}", failed. No more are created until you promote another version or invalidate the prebuilds of this one.',
    actions: [TEMPLATES],
    icon: "/icon/template.svg",
  },
  resourcesReplaced: {
    id: "89d9745a-816e-4695-a17f-3d0a229e2b8d",
    name: "Prebuilt Workspace Resource Replaced",
    group: "Template Events",
    title: 'Claiming a prebuilt workspace of template "{{template}}" replaces resources',
    body: 'When {{owner}} claimed the workspace "{{name}}", built in advance for the preset "{{preset}}" of the template "{{template}}", version "{{version}}", resources had to be replaced, so the claim took as long as a new workspace:\n\n{{resources}}\n\nChange the template so that these attributes do not depend on the workspace\'s owner or name.',
    actions: [BUILD],
    icon: "/icon/template.svg",
  },
  buildsFailedReport: {
    id: "34a20db2-e9cc-4a93-b0e4-8569699d7a00",
    name: "Report: Workspace Builds Failed",
    group: "Template Events",
    title: "Failed workspace builds report",
    body: "Workspace builds that have failed since {{since}}:\n\n{{report}}",
    actions: [WORKSPACES],
    icon: "/icon/template.svg",
  },

  test: {
    id: "c425f63e-716a-4bf4-ae24-78348f706c3f",
    name: "Test Notification",
    group: "Template Events",
    title: "Test notification",
    body: "This is a test notification. Notifications are working.",
    actions: [{ label: "Open the dashboard", path: "/" }],
    icon: "/icon/bell.svg",
  },
} as const satisfies Record<string, NotificationTemplate>;

/** Sent by users themselves; users cannot change its text. */
export const CUSTOM_TEMPLATE: NotificationTemplate = {
  id: "39b1e189-c857-4b0c-877a-511144c18516",
  name: "Custom Notification",
  group: "Custom Events",
  title: "{{custom_title}}",
  body: "{{custom_message}}",
  actions: [],
  icon: "/icon/bell.svg",
};

export type EventName = keyof typeof TEMPLATES_BY_EVENT | "custom";

export const SYSTEM_TEMPLATES: readonly NotificationTemplate[] = Object.values(TEMPLATES_BY_EVENT);

/** The template of an event. */
export function templateOf(event: EventName): NotificationTemplate {
  return event === "custom" ? CUSTOM_TEMPLATE : TEMPLATES_BY_EVENT[event];
}

export function templateById(id: string): NotificationTemplate | undefined {
  return [...SYSTEM_TEMPLATES, CUSTOM_TEMPLATE].find((template) => template.id === id);
}
