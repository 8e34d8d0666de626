// The line of a card ends where the text ends, and begins where a sentence does.
import { describe, expect, it } from "vitest";
import { lastWords } from "./LiveLine";

describe("lastWords", () => {
  it("is the sentence that is being written", () => {
    expect(lastWords("I looked around. Now I change the list of names")).toBe("Now I change the list of names");
  });

  it("keeps the last sentence while the next one has only begun", () => {
    expect(lastWords("First. I changed the list. And")).toBe("I changed the list. And");
  });

  it("cuts what does not fit at the front, and shows no marks of Markdown", () => {
    const words = lastWords(`**bold** ${"word ".repeat(100)}`);
    expect(words.length).toBeLessThanOrEqual(161);
    expect(words.startsWith("…")).toBe(true);
    expect(lastWords("# Title\n`code`")).toBe("Title code");
  });

  it("is empty for an empty text", () => {
    expect(lastWords("")).toBe("");
  });
});
