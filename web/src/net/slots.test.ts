// Places are bounded, and whoever waits gets one as soon as it is free.
import { describe, expect, it } from "vitest";
import { Slots } from "./slots";

describe("Slots", () => {
  it("lets only so many in, and the next one when somebody leaves", () => {
    const slots = new Slots(2);
    const entered: string[] = [];
    const leave = ["a", "b", "c", "d"].map((name) => slots.want(() => entered.push(name)));
    expect(entered).toEqual(["a", "b"]);
    leave[0]?.();
    expect(entered).toEqual(["a", "b", "c"]);
    leave[0]?.();
    expect(entered).toEqual(["a", "b", "c"]);
  });

  it("forgets who stopped waiting", () => {
    const slots = new Slots(1);
    const entered: string[] = [];
    const leave = ["a", "b", "c"].map((name) => slots.want(() => entered.push(name)));
    leave[1]?.();
    leave[0]?.();
    expect(entered).toEqual(["a", "c"]);
  });
});
