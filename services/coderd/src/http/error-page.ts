import type { Logger } from "@fleet/base";
import { ERROR_PAGE_HEADERS, renderErrorPage } from "@fleet/base/error-page";
import type { RouteName } from "@fleet/sdk";
import { errorResponse } from "./errors.js";
import type { AnyHandler, Handlers } from "./handler.js";
import { Reply } from "./reply.js";

/** Routes that people see in their browser: an error is shown to them as a page. */
const PAGES: Partial<Record<RouteName, string>> = {
  oidcCallback: "Sign-in failed",
  githubCallback: "Sign-in failed",
};

/** Responds with a page instead of JSON if such a route fails for a browser. */
export function withErrorPages(handlers: Handlers, logger: Logger): Handlers {
  const table = { ...handlers } as unknown as Record<string, AnyHandler>;
  for (const [name, title] of Object.entries(PAGES)) {
    const handler = table[name]!;
    table[name] = async (request) => {
      try {
        return await handler(request);
      } catch (error) {
        if (!request.headers.accept?.includes("text/html")) throw error;
        const { status, headers, body } = errorResponse(error, request.requestId, logger);
        const page = {
          status,
          title,
          message: body.message,
          action: { url: "/login", label: "Back to the sign-in page" },
          requestId: request.requestId,
        };
        return new Reply(renderErrorPage(page), {
          status,
          headers: {
            ...headers,
            ...ERROR_PAGE_HEADERS,
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
          },
        });
      }
    };
  }
  return table as unknown as Handlers;
}
