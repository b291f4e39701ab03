import type { NotificationTemplate } from "./templates.js";

export type Labels = Readonly<Record<string, string>>;

/** Maximum characters of a label, and of a label with several lines. */
const LABEL_LENGTH = 300;
const TEXT_LENGTH = 10_000;
const TITLE_LENGTH = 250;

/**
 * What no label may contain: control characters, which could start another header or line, and those that change the
 * direction of the text around them.
 */
const UNWANTED = /(?!\n)\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/gu;

/** Labels as they may be shown, whatever users have put into names. Lines are kept in the labels that may have some. */
export function cleanLabels(labels: Labels, lines: readonly string[] = []): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => {
      const clean = value.toWellFormed().replace(UNWANTED, " ");
      return [
        name,
        lines.includes(name)
          ? cut(clean, TEXT_LENGTH)
          : cut(clean.replaceAll("\n", " ").trim(), LABEL_LENGTH),
      ];
    }),
  );
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;
}

/** A notification in words. */
export type Rendered = {
  title: string;
  body: string;
  titleMarkdown: string;
  bodyMarkdown: string;
  actions: { label: string; url: string }[];
};

export function render(template: NotificationTemplate, labels: Labels, accessUrl: string): Rendered {
  const root = accessUrl.replace(/\/+$/, "");
  const title = cut(oneLine(fill(template.title, labels, String)), TITLE_LENGTH);
  return {
    title,
    // A label at the end may be empty.
    body: fill(template.body, labels, String).trimEnd(),
    titleMarkdown: escapeMarkdown(title),
    bodyMarkdown: fill(template.body, labels, escapeMarkdown, escapeMarkdown).trimEnd(),
    actions: template.actions.map(({ label, path }) => ({
      label,
      url: `${root}${fill(path, labels, encodeURIComponent)}`,
    })),
  };
}

/** In one pass, so that a label that looks like a placeholder stays as it is. */
function fill(
  text: string,
  labels: Labels,
  escapeLabel: (value: string) => string,
  escapeRest: (value: string) => string = String,
): string {
  // Every second part is the name of a label.
  const parts = text.split(/\{\{(\w+)\}\}/);
  return parts
    .map((part, index) =>
      index % 2 === 0 ? escapeRest(part) : escapeLabel(Object.hasOwn(labels, part) ? labels[part]! : ""),
    )
    .join("");
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_[\]<>#~|!]/g, (character) => `\\${character}`);
}

export function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => names[character]!);
}
