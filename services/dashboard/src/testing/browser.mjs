import { TestEnvironment } from "jest-environment-jsdom";

/** What every browser has and jsdom lacks; what draws or measures does nothing. */
const FROM_NODE = {
  AbortController,
  AbortSignal,
  Headers,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  structuredClone,
};

/** A DOM for component tests: `@jest-environment ./services/dashboard/src/testing/browser.mjs`. */
export default class Browser extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    Object.assign(this.global, FROM_NODE, {
      IS_REACT_ACT_ENVIRONMENT: true,
      ResizeObserver: class {
        observe() {}
        unobserve() {}
        disconnect() {}
      },
    });
    const { Element, window } = this.global;
    window.scrollTo = () => {};
    // A wide window.
    window.matchMedia = (query) => ({
      matches: query.startsWith("(min-width"),
      addEventListener() {},
      removeEventListener() {},
    });
    Element.prototype.scrollIntoView = () => {};
    Element.prototype.scrollTo = () => {};
    Element.prototype.hasPointerCapture = () => false;
    Element.prototype.setPointerCapture = () => {};
    Element.prototype.releasePointerCapture = () => {};
  }
}
