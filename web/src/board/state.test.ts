// A tool is there for those who may use it: looking needs no right, commenting and changing need one each.
import { describe, expect, it } from "vitest";
import { isToolAllowed, type Tool } from "./state";

const TOOLS: readonly Tool[] = ["select", "hand", "zone", "note", "text", "document", "comment", "edge"];
const allowed = (canEdit: boolean, canComment: boolean) => TOOLS.filter((tool) => isToolAllowed(tool, { canEdit, canComment }));

describe("tools", () => {
  it("leave those who only look with looking", () => {
    expect(allowed(false, false)).toEqual(["select", "hand"]);
  });

  it("give commenters the comment and nothing that changes the board", () => {
    expect(allowed(false, true)).toEqual(["select", "hand", "comment"]);
  });

  it("are all there for those who may change the board", () => {
    expect(allowed(true, true)).toEqual(TOOLS);
  });
});
