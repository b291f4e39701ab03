import type { IncomingMessage } from "node:http";
import { ERROR_PAGE_HEADERS, type ErrorPage, renderErrorPage } from "@fleet/base/error-page";
import { type Answer, jsonAnswer } from "./answer.js";

/** An error page; its code is also sent in the header `X-Coder-Error`. */
export type Page = ErrorPage & {
  /** The browser reloads the page after this time. */
  retrySeconds?: number;
  /** Other clients are told to try again after this time. */
  retryAfterSeconds?: number;
};

export type Pages = {
  render(page: Page): Answer;
  /** The page, or its message as JSON for clients other than browsers. */
  answerTo(request: IncomingMessage, page: Page): Answer;
};

/** Marks a response as the proxy's instead of the app's, with its code. */
export const ERROR_HEADER = "X-Coder-Error";

export function createPages(): Pages {
  function render(page: Page): Answer {
    const headers = { ...ERROR_PAGE_HEADERS, ...headersOf(page) };
    if (page.retrySeconds) headers.Refresh = String(page.retrySeconds);
    return {
      status: page.status,
      contentType: "text/html; charset=utf-8",
      body: renderErrorPage(page),
      headers,
    };
  }

  return {
    render,
    answerTo(request, page) {
      if (wantsPage(request)) return render(page);
      return jsonAnswer(page.status, page.message, headersOf(page));
    },
  };
}

function headersOf({ code, retryAfterSeconds }: Page): Record<string, string> {
  return {
    ...(code ? { [ERROR_HEADER]: code } : {}),
    ...(retryAfterSeconds ? { "Retry-After": String(retryAfterSeconds) } : {}),
  };
}

/** True if a browser navigates to the page. */
export function wantsPage(request: IncomingMessage): boolean {
  return request.headers.upgrade === undefined && /\btext\/html\b/.test(request.headers.accept ?? "");
}
