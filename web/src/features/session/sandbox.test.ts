// How the sandbox of a session is told in words.
import { expect, test } from "vitest";
import type { LayerState, SandboxReport, SessionExecutor } from "@/wire";
import { executorTrouble, isolationWords, sandboxSummary } from "./sandbox";

const layer = (name: LayerState["layer"], is_on: boolean): LayerState => ({ layer: name, is_on, detail: "" });
const report = (mode: SandboxReport["mode"], ...layers: LayerState[]): SandboxReport => ({
  mode,
  account: "ana",
  uid: 1_000,
  network: "shared",
  layers,
});

test("a sandbox is a warning when it is off or holds less than it could", () => {
  const on = layer("landlock", true);
  const off = layer("namespaces", false);
  expect(sandboxSummary(report("strict", on))).toEqual({ words: "Strict sandbox", isWarning: false });
  expect(sandboxSummary(report("best_effort", on))).toEqual({ words: "Sandboxed", isWarning: false });
  expect(sandboxSummary(report("best_effort", on, off))).toEqual({ words: "Sandbox with 1 of 2 layers off", isWarning: true });
  // Strict decides itself which layers it needs.
  expect(sandboxSummary(report("strict", on, off)).isWarning).toBe(false);
  expect(sandboxSummary(report("off"))).toEqual({ words: "No sandbox", isWarning: true });
});

test("each mode of the instance has its words", () => {
  const words = (["strict", "best_effort", "off"] as const).map((isolation) => isolationWords({ isolation }));
  expect(new Set(words).size).toBe(3);
  expect(words[2]).toContain("without");
});

test("trouble is told with its reason and what comes next", () => {
  const executor = (over: Partial<SessionExecutor>): SessionExecutor => ({
    id: "x",
    state: "degraded",
    restarts: 0,
    retry_at_ms: null,
    end: { how: "killed by SIGKILL", is_crash: true, is_out_of_memory: false },
    ...over,
  });
  expect(executorTrouble(null, 0)).toBeNull();
  expect(executorTrouble(executor({ end: null, state: "healthy" }), 0)).toBeNull();
  expect(executorTrouble(executor({ state: "ended", end: { how: "idle", is_crash: false, is_out_of_memory: false } }), 0)).toBeNull();
  expect(executorTrouble(executor({ retry_at_ms: 4_000 }), 1_500)).toContain("in 3 s");
  expect(executorTrouble(executor({ retry_at_ms: 4_000 }), 9_000)).toMatch(/killed by SIGKILL\. The next prompt starts another one\.$/);
  expect(executorTrouble(executor({ state: "failed" }), 0)).toContain("stays down");
});
