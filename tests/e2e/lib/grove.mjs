// A Grove of its own for one test file: the real process tree with a temporary home on a free port.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { until } from "./wait.mjs";

const root = resolve(import.meta.dirname, "../../..");

/** Where the binaries are. */
export const BIN_DIR = process.env.GROVE_BIN_DIR ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug");

const READY_MS = 30_000;
const STOP_MS = 20_000;

function freePort() {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

function readyUrl(child, log) {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`Grove was not ready in time\n${log.text}`)), READY_MS);
    let out = "";
    child.stdout.on("data", (piece) => {
      out += piece;
      const url = /^grove ready (\S+)$/m.exec(out)?.[1];
      if (!url) return;
      clearTimeout(timer);
      done(url.replace(/\/$/, ""));
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      fail(new Error(`grove-monitor ended with ${code}\n${log.text}`));
    });
  });
}

/** The processes below one, by name, from /proc. */
function childrenOf(pid, name) {
  const found = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const comm = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      if (parent === pid && comm.startsWith(name.slice(0, 15))) found.push(Number(entry));
    } catch {
      // It ended while the list was read.
    }
  }
  return found;
}

/** Starts Grove. */
export async function startGrove() {
  const home = mkdtempSync(join(tmpdir(), "grove-e2e-"));
  // Tests and sandboxed agents both reach the caches of a person's home, and nothing else.
  const account = join(home, "account");
  const shared = join(account, ".cache");
  mkdirSync(shared, { recursive: true });
  const port = await freePort();
  const environment = { ...process.env, HOME: account, GROVE_REHEARSAL_DIRECTORY: join(import.meta.dirname, "../scenarios") };
  const args = ["--home", join(home, "home"), "--bind", `127.0.0.1:${port}`];
  const child = spawn(join(BIN_DIR, "grove-monitor"), args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const log = { text: "" };
  child.stderr.on("data", (piece) => {
    log.text = (log.text + piece).slice(-20_000);
  });
  const ended = new Promise((done) => child.once("exit", done));
  const url = await readyUrl(child, log);

  const api = async (method, path, body) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(`${url}/api/v1${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  };

  return {
    url,
    port,
    home,
    shared,
    log,
    api,
    /** Registers a repository and waits for its mirror. */
    async addRepo(source) {
      const { id } = await api("POST", "/repos", { source });
      return until(`the mirror of ${source}`, async () => {
        const repo = await api("GET", `/repos/${id}`);
        if (repo.state === "failed") throw new Error(`clone failed: ${repo.failure}`);
        return repo.state === "ready" ? repo : null;
      });
    },
    /** The board that everybody lands on. */
    async firstBoard() {
      const { items } = await api("GET", "/boards");
      return items[0] ?? api("POST", "/boards", { name: "Board" });
    },
    /** Kills the daemon the hard way; the monitor starts another one. */
    async killDaemon() {
      const [pid] = childrenOf(child.pid, "groved");
      if (pid === undefined) throw new Error("groved is not running");
      process.kill(pid, "SIGKILL");
      await until("another groved", async () => {
        const now = childrenOf(child.pid, "groved").filter((it) => it !== pid);
        return now.length > 0 &&
          (await fetch(`${url}/readyz`).then(
            (it) => it.ok,
            () => false,
          ))
          ? now
          : null;
      });
    },
    async stop() {
      child.kill("SIGTERM");
      const isDown = await Promise.race([ended.then(() => true), new Promise((done) => setTimeout(done, STOP_MS, false).unref())]);
      if (!isDown) child.kill("SIGKILL");
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
      if (!isDown) throw new Error(`Grove did not stop\n${log.text}`);
    },
  };
}

const git = (directory, ...args) =>
  execFileSync("git", ["-C", directory, "-c", "user.name=Test", "-c", "user.email=test@example.org", ...args], { encoding: "utf8" });

/** Makes a small repository with one commit. */
export function makeRepo(parent, name) {
  const directory = join(parent, name);
  execFileSync("git", ["init", "-q", "-b", "main", directory]);
  execFileSync("sh", ["-c", 'printf "one\\ntwo\\nthree\\n" > list.txt; printf "# %s\\n" "$0" > README.md', name], { cwd: directory });
  git(directory, "add", ".");
  git(directory, "commit", "-q", "-m", "first");
  return { directory, git: (...args) => git(directory, ...args) };
}

/** Whether something lies at a path. */
export const exists = existsSync;
