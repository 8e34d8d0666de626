// Who touches nothing for five minutes is away, and back with the first touch.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AWAY_MS, watchAway } from "./presence";

describe("watchAway", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("tells of the absence once, and of the return once", () => {
    const told: boolean[] = [];
    const stop = watchAway((isAway) => told.push(isAway));
    vi.advanceTimersByTime(AWAY_MS - 1);
    dispatchEvent(new Event("keydown"));
    vi.advanceTimersByTime(AWAY_MS - 1);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(AWAY_MS);
    expect(told).toEqual([true]);
    dispatchEvent(new Event("pointermove"));
    dispatchEvent(new Event("pointermove"));
    expect(told).toEqual([true, false]);
    stop();
    vi.advanceTimersByTime(2 * AWAY_MS);
    expect(told).toEqual([true, false]);
  });
});
