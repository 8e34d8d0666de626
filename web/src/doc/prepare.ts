// Brings the parts that writing needs when the page has nothing better to do: so that they are there when
// somebody writes without a connection. Nobody waits for it.

const LATEST_MS = 3_000;

/** Loads editor and Markdown in the background. */
export function prepareWriting(): void {
  const load = () => {
    // When it fails, whoever needs them asks again.
    import("./TextEditor").catch(() => undefined);
    import("@/features/session/Markdown").catch(() => undefined);
  };
  if ("requestIdleCallback" in globalThis) requestIdleCallback(load, { timeout: LATEST_MS });
  else setTimeout(load, LATEST_MS);
}
