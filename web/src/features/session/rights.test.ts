// Whose turn a session is in decides who may stop it and answer for it.
import { describe, expect, it } from "vitest";
import type { Task } from "@/wire";
import { turnOf } from "./rights";

const task = (index: number, created_by: string, ended_at_ms: number | null) => ({ index, created_by, ended_at_ms }) as Task;

describe("turnOf", () => {
  it("names who prompted the oldest turn that has not ended", () => {
    expect(turnOf([task(3, "chiara", null), task(1, "ana", 5), task(2, "bruno", null)])).toBe("bruno");
  });

  it("names nobody when every turn has ended", () => {
    expect(turnOf([task(1, "ana", 5)])).toBeNull();
    expect(turnOf([])).toBeNull();
  });
});
