// Keeps a fault in one part of the page from taking the rest along.
import { Component, type ReactNode } from "react";
import { Button } from "@/ui/Button";

/** Shows what went wrong in place of its children, with a way to try again. */
export class ErrorBoundary extends Component<{ name: string; children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div role="alert" className="m-3 flex flex-col items-start gap-2 rounded-lg border border-fail/40 bg-fail-fill p-3">
        <div className="font-semibold">{this.props.name} could not be shown</div>
        <div className="break-words text-muted">{error.message}</div>
        <Button onClick={() => this.setState({ error: null })}>Try again</Button>
      </div>
    );
  }
}
