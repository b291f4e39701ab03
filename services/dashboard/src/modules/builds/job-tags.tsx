import { Badge } from "../ui/page.js";

/** Tags worth showing: without an empty owner and the organization scope, which are the defaults. */
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
