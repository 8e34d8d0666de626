// Growing Markdown gives the same as finished Markdown, and cannot do harm.
import { describe, expect, it } from "vitest";
import { MarkdownStream } from "./markdown";

const TEXT = [
  "# Title",
  "A paragraph with `code` and **bold**\nover two lines.",
  "- one\n- two\n  - nested\n\n- three after a blank line",
  "```rust\nfn main() {\n\n    // a blank line above\n}\n```",
  "| a | b |\n|---|---|\n| 1 | 2 |",
  "> quoted",
  "The end 🌱.",
].join("\n\n");

const html = (stream: MarkdownStream, text: string) => stream.update(text).map((block) => block.html);

describe("MarkdownStream", () => {
  it("ends where reading the whole text at once ends, however it was cut", () => {
    const whole = html(new MarkdownStream(), TEXT);
    for (const step of [1, 3, 7, 40]) {
      const stream = new MarkdownStream();
      for (let end = 0; end < TEXT.length; end += step) stream.update(TEXT.slice(0, end));
      expect(html(stream, TEXT)).toEqual(whole);
    }
  });

  it("keeps finished blocks as they are", () => {
    const stream = new MarkdownStream();
    const before = stream.update("one\n\ntwo\n\nthr");
    const after = stream.update("one\n\ntwo\n\nthree");
    expect(after[0]).toBe(before[0]);
    expect(after[2]?.html).toContain("three");
  });

  it("starts anew when the text is another", () => {
    const stream = new MarkdownStream();
    stream.update("one\n\ntwo\n\nthree");
    expect(html(stream, "other").join("")).toContain("other");
    expect(html(stream, "other").join("")).not.toContain("one");
  });

  it("lets no script, handler, form or picture through", () => {
    const bad =
      '<img src=x onerror="alert(1)"> <script>alert(1)</script> [x](javascript:alert(1)) <form><input></form> <a href="/x" onclick="y()">z</a>';
    const text = html(new MarkdownStream(), bad).join("");
    expect(text).not.toMatch(/<(script|img|form|input)|<[^>]*(onerror|onclick|javascript:)/);
    expect(text).toContain("&lt;script&gt;");
  });

  it("opens links elsewhere, without a way back", () => {
    expect(html(new MarkdownStream(), "[x](https://example.org)").join("")).toMatch(
      /target="_blank".*rel="noopener noreferrer"|rel="noopener noreferrer".*target="_blank"/,
    );
  });
});
