// Streamed text is joined by absolute UTF-16 offsets.
import { describe, expect, it, vi } from "vitest";
import { StreamTexts } from "./streams";

describe("StreamTexts", () => {
  it("joins pieces at their offsets", () => {
    const streams = new StreamTexts();
    expect(streams.put("m", 0, "Hello ")).toBe("ok");
    expect(streams.put("m", 6, "world")).toBe("ok");
    expect(streams.get("m")).toBe("Hello world");
  });

  it("counts UTF-16 code units, as the server does", () => {
    const streams = new StreamTexts();
    streams.put("m", 0, "🌱");
    expect(streams.put("m", 2, "!")).toBe("ok");
    expect(streams.get("m")).toBe("🌱!");
    expect(streams.put("m", 4, "?")).toBe("gap");
  });

  it("reports a gap and changes nothing", () => {
    const streams = new StreamTexts();
    streams.put("m", 0, "abc");
    expect(streams.put("m", 5, "f")).toBe("gap");
    expect(streams.get("m")).toBe("abc");
  });

  it("takes all text so far after a resume without doubling it", () => {
    const streams = new StreamTexts();
    streams.put("m", 0, "abc");
    expect(streams.put("m", 0, "abcdef")).toBe("ok");
    expect(streams.put("m", 6, "g")).toBe("ok");
    expect(streams.get("m")).toBe("abcdefg");
  });

  it("goes on from the text that the message had", () => {
    const streams = new StreamTexts();
    expect(streams.put("m", 3, "def", "abc")).toBe("ok");
    expect(streams.get("m")).toBe("abcdef");
  });

  it("tells readers of each change and of the end", () => {
    const streams = new StreamTexts();
    const reader = vi.fn();
    streams.subscribe("m", reader);
    streams.put("m", 0, "a");
    streams.put("other", 0, "a");
    streams.end("m");
    streams.end("m");
    expect(reader).toHaveBeenCalledTimes(2);
    expect(streams.get("m")).toBeUndefined();
  });
});
