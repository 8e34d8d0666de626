// Rights on a board are a ladder, and what is missing is said in words that name who can help.
import { describe, expect, it } from "vitest";
import { holds, RIGHTS, whyNot } from "./model";

describe("rights", () => {
  it("hold the ones below and none above", () => {
    for (const [place, right] of RIGHTS.entries()) {
      for (const [other, need] of RIGHTS.entries()) expect(holds(right, need)).toBe(other <= place);
    }
  });

  it("name what one can do and who can give more", () => {
    expect(whyNot("view", "member", ["Ana"])).toBe("You can view this board. Ana can give you more.");
    expect(whyNot("comment", "member", ["Ana", "Bruno", "Chiara"])).toBe(
      "You can view this board and comment on it. Ana, Bruno or Chiara can give you more.",
    );
    expect(whyNot("view", "member", [])).toBe("You can view this board.");
  });

  it("do not send a viewer of the instance to those who cannot help", () => {
    expect(whyNot("view", "viewer", ["Ana"])).toBe(
      "You can view this board. Your role on this instance is to view; an admin can change it.",
    );
  });
});
