import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { appearanceQuery } from "../../api/session.js";

// Markdown is loaded only where something is announced.
const InlineMarkdown = lazy(async () => ({
  default: (await import("../markdown/markdown.js")).InlineMarkdown,
}));

/** What the operator announces on every page. */
export function Announcements() {
  const appearance = useQuery(appearanceQuery);
  const shown = (appearance.data?.announcement_banners ?? []).filter(
    ({ enabled, message }) => enabled && message,
  );
  if (shown.length === 0) return null;
  return (
    <section aria-label="Announcements">
      {shown.map(({ message, background_color }) => (
        <Banner key={message} message={message!} color={background_color} />
      ))}
    </section>
  );
}

/** An announcement, on its color. */
export function Banner({ message, color }: { message: string; color: string | undefined }) {
  return (
    <p
      className="border-line border-b bg-sunken px-4 py-1.5 text-center text-sm [&_a]:text-inherit! [&_a]:underline"
      style={colors(color)}
    >
      <Suspense fallback={message}>
        <InlineMarkdown text={message} />
      </Suspense>
    </p>
  );
}

/** Undefined for what is not a color like #336699. */
function colors(background = "") {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(background);
  if (!hex) return undefined;
  const [red, green, blue] = hex.slice(1).map((part) => linear(Number.parseInt(part, 16) / 255));
  // WCAG 2.2: relative luminance. Above this value, black has the higher contrast.
  const luminance = 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  return { backgroundColor: background, color: luminance > 0.179 ? "#000000" : "#ffffff" };
}

const linear = (part: number) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
