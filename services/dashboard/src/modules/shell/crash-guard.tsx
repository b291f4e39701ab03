import { Component, type ReactNode } from "react";
import { ErrorNotice } from "../ui/notice.js";

/** Keeps a crash of one page inside that page; a file that is gone after an update is cured by loading the page again. */
export class CrashGuard extends Component<{ path: string; children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  /** Another page gets another chance. */
  override componentDidUpdate(before: { path: string }) {
    if (before.path !== this.props.path && this.state.error !== undefined)
      this.setState({ error: undefined });
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    return <ErrorNotice error={this.state.error} onRetry={() => location.reload()} />;
  }
}
