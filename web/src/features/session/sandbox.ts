// What keeps a session's executor in its place, in words for people.
import type { Instance, IsolationMode, Layer, NetworkProfile, SandboxReport, SessionExecutor } from "@/wire";

const LAYER: Record<Layer, string> = {
  cgroup: "Process group",
  limits: "Resource limits",
  namespaces: "Own view of the system",
  network: "Own network",
  account: "Own Unix account",
  capabilities: "No capabilities",
  no_new_privs: "No new privileges",
  landlock: "Files (Landlock)",
  seccomp: "System calls (seccomp)",
};

const NETWORK: Record<NetworkProfile, string> = {
  shared: "the host’s network",
  proxy: "permitted hosts, through Grove",
  none: "Grove alone",
};

const MODE: Record<IsolationMode, string> = {
  strict: "Strict: every required layer holds, or nothing starts",
  best_effort: "Best effort: whatever this host can",
  off: "Off: agents run with all rights of the account",
};

/** The name of a layer. */
export const layerName = (layer: Layer): string => LAYER[layer] ?? layer;

/** What a network profile reaches. */
export const networkWords = (profile: NetworkProfile): string => NETWORK[profile] ?? profile;

/** A mode in a sentence. */
export const modeWords = (mode: IsolationMode): string => MODE[mode] ?? mode;

/** The sandbox in a few words, and whether somebody should know that it is less than it could be. */
export function sandboxSummary(report: SandboxReport): { words: string; isWarning: boolean } {
  if (report.mode === "off") return { words: "No sandbox", isWarning: true };
  const off = report.layers.filter((it) => !it.is_on).length;
  if (off === 0) return { words: report.mode === "strict" ? "Strict sandbox" : "Sandboxed", isWarning: false };
  const words = `Sandbox with ${off} of ${report.layers.length} layers off`;
  return { words, isWarning: report.mode === "best_effort" };
}

/** The instance's isolation for the status bar. */
export function isolationWords(instance: Pick<Instance, "isolation">): string {
  switch (instance.isolation) {
    case "strict":
      return "Agents run in a strict sandbox";
    case "best_effort":
      return "Agents are sandboxed as far as this host can";
    case "off":
      return "Agents run without a sandbox";
  }
}

/** What to say about an executor that is not well; `null` when there is nothing to say. */
export function executorTrouble(executor: SessionExecutor | null, nowMs: number): string | null {
  if (!executor?.end) return null;
  const { end, state, retry_at_ms: retryAt } = executor;
  if (state === "failed") return `The executor crashed too often and stays down. The last time: ${end.how}.`;
  if (!end.is_crash) return null;
  const secs = retryAt === null ? 0 : Math.ceil((retryAt - nowMs) / 1_000);
  const next = secs > 0 ? `The next prompt starts another one in ${secs} s at the earliest.` : "The next prompt starts another one.";
  return `The executor ended: ${end.how}. ${next}`;
}
