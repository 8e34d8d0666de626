// The REST transport: JSON in and out, problems as typed errors, time limits, safe repetition.
// Which endpoints there are stands in `api.ts`.
import type { ErrorCode, Problem } from "@/wire";
import { randomUuid } from "./ids";

const TIMEOUT_MS = 30_000;
const RETRY_AFTER_MS = 400;

/** An answer that was not a success, or no answer at all. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "ProblemError";
    this.problem = problem;
  }

  get code(): ErrorCode {
    return this.problem.code;
  }
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** How a request differs from the plain one. */
export interface RequestOptions {
  body?: unknown;
  query?: Record<string, string | number | boolean | undefined>;
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
  /** Goes out also when the page is left meanwhile. */
  isLast?: boolean;
}

function made(code: ErrorCode, status: number, title: string, detail: string, hint?: string): ProblemError {
  return new ProblemError({ type: `urn:grove:problem:${code}`, title, status, code, detail, ...(hint && { hint }) });
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== "object" || value === null) return false;
  return "code" in value && "detail" in value && typeof value.detail === "string";
}

/** Maps an unsuccessful answer to an error, also when something between answered without a problem document. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const text = await response.text().catch(() => "");
  try {
    const value: unknown = JSON.parse(text);
    if (isProblem(value)) return new ProblemError(value);
  } catch {
    // Not JSON: a proxy or an older server answered; the status is all there is.
  }
  const code: ErrorCode =
    response.status === 404 ? "not_found" : response.status === 429 ? "rate_limited" : response.status >= 502 ? "unavailable" : "internal";
  return made(code, response.status, "Unexpected answer", `The server answered with status ${response.status}.`);
}

/** Turns anything thrown into the words shown to people. */
export function problemFrom(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return made("internal", 0, "Something went wrong", detail).problem;
}

function addressOf(path: string, query: RequestOptions["query"]): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return `/api/v1${path}${text ? `?${text}` : ""}`;
}

async function once(method: string, address: string, headers: Headers, options: RequestOptions): Promise<Response> {
  const limit = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([limit, options.signal]) : limit;
  const init: RequestInit = { method, headers, signal, credentials: "same-origin", keepalive: options.isLast ?? false };
  if (options.body !== undefined) init.body = options.body instanceof Blob ? options.body : JSON.stringify(options.body);
  try {
    return await fetch(address, init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (limit.aborted) throw made("timeout", 0, "Took too long", "Grove did not answer in time.", "Try again.");
    throw made("unavailable", 0, "Not reachable", "Grove cannot be reached.", "Check that it still runs, then try again.");
  }
}

/** Reads an address that the server gave. */
export async function readJson<T>(address: string): Promise<T> {
  const response = await once("GET", address, new Headers({ accept: "application/json", "x-grove-client": "web" }), {});
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

/**
 * Sends one request and returns the body of the answer.
 *
 * A request that got no answer is repeated once; a POST carries an `Idempotency-Key`, so it is not done twice.
 */
export async function request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
  const headers = new Headers({ accept: "application/json", "x-grove-client": "web" });
  if (options.body instanceof Blob) headers.set("content-type", options.body.type || "application/octet-stream");
  else if (options.body !== undefined) headers.set("content-type", "application/json");
  if (method === "POST") headers.set("idempotency-key", randomUuid());
  const address = addressOf(path, options.query);
  let response: Response;
  try {
    response = await once(method, address, headers, options);
  } catch (error) {
    const isSafe = method === "GET" || method === "POST";
    if (!isSafe || !(error instanceof ProblemError) || error.code !== "unavailable") throw error;
    await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
    response = await once(method, address, headers, options);
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}
