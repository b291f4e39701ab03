import { Badge } from "../ui/page.js";

/** The tags that say something: every job has an owner, most of them none, and the scope of its organization. */
export function tellingTags(tags: Record<string, string>): [string, string][] {
  return Object.entries(tags).filter(
    ([key, value]) => value !== "" && !(key === "scope" && value === "organization"),
  );
}

export function JobTags({ tags }: { tags: Record<string, string> }) {
  const telling = tellingTags(tags);
  if (telling.length === 0) return null;
  return (
    <span className="flex flex-wrap gap-1">
      {telling.map(([key, value]) => (
        <Badge key={key}>
          {key}={value}
        </Badge>
      ))}
    </span>
  );
}
