import { EventEmitter } from "node:events";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { PassThrough } from "node:stream";
import type httpProxy from "http-proxy";
import { clientGone } from "../http/answer.js";
import { onceConnected } from "./connect.js";

export type AttemptOptions = {
  request: IncomingMessage;
  response: ServerResponse;
  /** The body where it was kept; undefined: it is read from the client, once, when there is a connection. */
  body: Buffer | undefined;
  /** Asked when coderd's head has come: true where it is not handed on, and `onFailed` follows. */
  declines(upstream: IncomingMessage): boolean;
  /** coderd gave no answer. It is called once at most, and not after the client has gone. */
  onFailed(error: Error): void;
};

/**
 * One try to carry a request to coderd. To http-proxy it is the client's request: http-proxy listens to what it is given
 * and changes it, so that each try needs one of its own.
 */
export class Attempt extends EventEmitter {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly httpVersion: string;
  readonly socket: IncomingMessage["socket"];
  /** What goes to coderd as the body. */
  readonly body = new PassThrough();
  readonly #options: AttemptOptions;
  #upstream: ClientRequest | undefined;
  #own: httpProxy.ServerOptions | undefined;
  #state: "open" | "answered" | "failed" = "open";
  #connected = false;

  constructor(options: AttemptOptions) {
    super();
    const { request } = options;
    this.#options = options;
    this.method = request.method;
    this.url = request.url;
    this.headers = { ...request.headers };
    this.httpVersion = request.httpVersion;
    this.socket = request.socket;
    if (options.body) this.body.end(options.body);
    // http-proxy lets go of upstream only when the request's body breaks off; a client may also leave a response.
    options.response.once("close", this.#onClose);
  }

  /** True once something may have been sent: then coderd may have acted upon it. */
  get connected(): boolean {
    return this.#connected;
  }

  readonly #onClose = () => {
    if (!this.#options.response.writableFinished) this.#upstream?.destroy(clientGone());
  };

  /** http-proxy has begun, with its own copy of the options. */
  begun(upstream: ClientRequest, own: httpProxy.ServerOptions): void {
    this.#upstream = upstream;
    this.#own = own;
    if (this.#options.response.destroyed) upstream.destroy(clientGone());
    onceConnected(upstream, () => {
      this.#connected = true;
      if (!this.#options.body) this.#options.request.pipe(this.body);
    });
  }

  /** coderd's head has come. False where it is not to be handed on. */
  answered(upstream: IncomingMessage): boolean {
    if (this.#state === "open" && this.#options.declines(upstream)) {
      upstream.on("error", () => {});
      upstream.resume();
      this.#own!.selfHandleResponse = true; // http-proxy leaves the client's response alone.
      this.failed(new Error(`coderd answered ${upstream.statusCode}`));
      return false;
    }
    this.#state = "answered";
    return true;
  }

  failed(error: Error): void {
    const { response, request } = this.#options;
    if (this.#state === "failed" || response.destroyed) return;
    if (this.#state === "answered") {
      // Half an answer must not look whole.
      response.destroy();
      return;
    }
    this.#state = "failed";
    response.off("close", this.#onClose);
    request.unpipe(this.body);
    this.#options.onFailed(error);
  }
}
