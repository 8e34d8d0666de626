// Colours for drawing, read from the style sheet so that both themes have one home.
import type { ObjectColor, RunState } from "@/wire";

/** How a state looks: which colour of the palette. */
export type Tone = "run" | "need" | "wait" | "idle" | "fail";

/** The colour family of each run state. */
export const TONE: Record<RunState, Tone> = {
  idle: "idle",
  queued: "wait",
  starting: "wait",
  running: "run",
  awaiting_approval: "need",
  awaiting_input: "need",
  stopping: "wait",
  failed: "fail",
  lost: "fail",
  archived: "idle",
};

const TONES: readonly Tone[] = ["run", "need", "wait", "idle", "fail"];
/** Colours of marks, as people are offered them. */
export const COLORS: readonly ObjectColor[] = ["neutral", "amber", "green", "blue", "violet", "rose"];

/** The colours of one theme. */
export interface Palette {
  tone: Record<Tone, string>;
  toneFill: Record<Tone, string>;
  mark: Record<ObjectColor, string>;
  /** Of arrows and words in the colour of a mark. */
  markInk: Record<ObjectColor, string>;
  surface: string;
  line: string;
  text: string;
  edge: string;
  fork: string;
  focus: string;
  guide: string;
}

/** Reads the palette of the theme that is on. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const value = (name: string) => style.getPropertyValue(name).trim() || "#888";
  const record = <K extends string>(keys: readonly K[], prefix: string) =>
    Object.fromEntries(keys.map((key) => [key, value(`${prefix}${key}`)])) as Record<K, string>;
  return {
    tone: record(TONES, "--tone-"),
    toneFill: record(TONES, "--tone-fill-"),
    mark: record(COLORS, "--mark-"),
    markInk: record(COLORS, "--mark-ink-"),
    surface: value("--surface"),
    line: value("--line-strong"),
    text: value("--fg"),
    edge: value("--edge"),
    fork: value("--fork"),
    focus: value("--focus"),
    guide: value("--guide"),
  };
}
