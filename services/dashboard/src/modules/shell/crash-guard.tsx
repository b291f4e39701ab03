import { Component, type ReactNode } from "react";
import { Notice, RetryButton } from "../ui/notice.js";

/** Contains a page's crash; reloads the page if a file is missing after an update. */
export class CrashGuard extends Component<{ path: string; children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  /** Reset when the page changes. */
  override componentDidUpdate(before: { path: string }) {
    if (before.path !== this.props.path && this.state.error !== undefined)
      this.setState({ error: undefined });
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <Notice
        tone="bad"
        title="This page could not be shown"
        action={<RetryButton label="Reload" onRetry={() => location.reload()} />}
      >
        Reload it. If that does not help, send this to your administrator:
        <code className="mt-1 block font-mono text-xs">
          {error instanceof Error ? error.message : String(error)}
        </code>
      </Notice>
    );
  }
}
