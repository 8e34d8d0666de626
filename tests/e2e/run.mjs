// Runs the browser tests, one file after the other, and says what is missing before it starts.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CHROMIUM } from "./lib/browser.mjs";
import { BIN_DIR } from "./lib/grove.mjs";

const here = import.meta.dirname;
const needed = [
  ...["grove-monitor", "groved", "grove-executor"].map((name) => [join(BIN_DIR, name), "build it: cargo build --workspace --bins"]),
  [join(here, "../../web/dist/index.html"), "build it: npm run build in web/"],
  [CHROMIUM, "install Chromium, or name it in GROVE_TEST_CHROMIUM"],
];
const missing = needed.filter(([path]) => !existsSync(path));
for (const [path, remedy] of missing) process.stderr.write(`missing ${path}: ${remedy}\n`);
if (missing.length > 0) process.exit(2);

mkdirSync(join(here, "artifacts"), { recursive: true });
const chosen = process.argv.slice(2);
const files = readdirSync(here)
  .filter((name) => name.endsWith(".test.mjs") && (chosen.length === 0 || chosen.some((part) => name.includes(part))))
  .map((name) => join(here, name));
// A test that hangs is a failure with a name, not a run without an end.
const flags = ["--test", "--test-concurrency=1", "--test-reporter=spec", "--test-timeout=180000", "--test-force-exit"];
const child = spawn(process.execPath, [...flags, ...files], { stdio: "inherit" });
child.on("exit", (code) => process.exit(code ?? 1));
