// Answers become values or typed problems; what got no answer is repeated safely.
import { afterEach, describe, expect, it, vi } from "vitest";
import { ProblemError, problemFrom, request } from "./rest";

const fetchMock = vi.fn<typeof fetch>();
vi.stubGlobal("fetch", fetchMock);

const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });

async function failure(run: Promise<unknown>): Promise<ProblemError> {
  const error = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProblemError)) throw new Error("no problem came");
  return error;
}

describe("request", () => {
  afterEach(() => fetchMock.mockReset());

  it("reads a problem document", async () => {
    const problem = { type: "t", title: "Not a git repository", status: 422, code: "not_a_repository", detail: "No.", hint: "git init" };
    fetchMock.mockResolvedValue(json(422, problem));
    expect((await failure(request("POST", "/repos", { body: {} }))).problem).toEqual(problem);
  });

  it("makes a problem of an answer without a document", async () => {
    fetchMock.mockResolvedValue(new Response("<h1>Bad gateway</h1>", { status: 502 }));
    const { problem } = await failure(request("GET", "/boards"));
    expect([problem.code, problem.status]).toEqual(["unavailable", 502]);
    expect(problem.detail).not.toContain("<");
  });

  it("repeats a POST without an answer once, with the same key", async () => {
    fetchMock.mockRejectedValueOnce(new TypeError("failed")).mockResolvedValueOnce(json(201, { id: "x" }));
    await expect(request("POST", "/sessions", { body: {} })).resolves.toEqual({ id: "x" });
    const keys = fetchMock.mock.calls.map(([, init]) => new Headers(init?.headers).get("idempotency-key"));
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).toBe(keys[0]);
  });

  it("does not repeat a PATCH, and says that nothing answers", async () => {
    fetchMock.mockRejectedValue(new TypeError("failed"));
    expect((await failure(request("PATCH", "/boards/x", { body: {} }))).code).toBe("unavailable");
    expect(fetchMock).toHaveBeenCalledTimes(1);
  });

  it("takes an empty answer for nothing and leaves unset parameters out", async () => {
    fetchMock.mockResolvedValue(new Response(null, { status: 204 }));
    await expect(request("GET", "/x", { query: { limit: 5, cursor: undefined } })).resolves.toBeUndefined();
    expect(fetchMock.mock.calls[0]?.[0]).toBe("/api/v1/x?limit=5");
  });

  it("has words for anything thrown", () => {
    expect(problemFrom(new Error("boom")).detail).toBe("boom");
    expect(problemFrom("odd").detail).toBe("odd");
  });
});
