// Browsers and what people do in them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { until } from "./wait.mjs";

const web = resolve(import.meta.dirname, "../../../web");
const require = createRequire(join(web, "package.json"));
const { chromium } = require("playwright-core");

/** The browser that is driven. */
export const CHROMIUM = process.env.GROVE_TEST_CHROMIUM ?? "/usr/bin/chromium";
export const ARTIFACTS = resolve(import.meta.dirname, "../artifacts");

// Any accidental use of another host fails loudly.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];

/** Starts the browser. */
export function launch() {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, chromiumSandbox: false, args: FLAGS });
}

/** A window: a context of its own, with every fault on the page noted. */
export async function visitor(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const faults = [];
  const frames = { sent: [], received: [] };
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    const isOffline = /Failed to load resource|WebSocket connection|ERR_/.test(message.text());
    if (message.type() === "error" && !isOffline) faults.push(message.text());
  });
  page.on("websocket", (socket) => {
    // Binary frames (documents) are none of these tests' affair.
    const note = (list) => (frame) => typeof frame.payload === "string" && list.push(JSON.parse(frame.payload));
    socket.on("framereceived", note(frames.received));
    socket.on("framesent", note(frames.sent));
  });
  return { context, page, faults, frames };
}

/** A person's window on a board, with a name where one is given. */
export async function person(browser, url, name, options = {}) {
  const { page, ...rest } = await visitor(browser, options);
  await page.goto(url);
  await page.getByRole("contentinfo").getByText("Live").waitFor();
  if (name) {
    const form = page.getByRole("form", { name: "Take a name" });
    await form.getByLabel("Your name").fill(name);
    await form.getByRole("button", { name: "Join" }).click();
    await form.waitFor({ state: "detached" });
    await page
      .getByRole("button", { name: /^People on this board/ })
      .getByText(name)
      .waitFor();
    await page.getByRole("contentinfo").getByText("Live").waitFor();
  }
  return { page, ...rest };
}

/** The card of a session. */
export const card = (page, title) => page.getByRole("group", { name: title }).and(page.locator("[data-id]"));

/** Starts a session in three clicks: new session, (prompt), create. */
export async function startSession(page, prompt) {
  await page.getByRole("button", { name: "New session" }).click();
  const dialog = page.getByRole("dialog", { name: "New session" });
  await dialog.getByRole("textbox", { name: "Prompt" }).fill(prompt);
  await dialog.getByRole("button", { name: /Create session/ }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("log", { name: "Conversation" }).waitFor();
}

/** Waits until the daemon has answered every change of a window: what is not saved yet cannot be undone. */
export const saved = ({ frames }) =>
  until("every change saved", () => {
    const answers = frames.received.filter(({ t }) => t === "ack" || t === "nack");
    return frames.sent.filter(({ t }) => t === "mut").length <= answers.length;
  });

/** Everything that the conversation says. */
export const conversation = (page) => page.getByRole("log", { name: "Conversation" });

const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Checks the page against WCAG 2.2 AA; returns what is wrong, in words. */
export async function axe(page) {
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const result = await globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } });
    return result.violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.slice(0, 4).map((node) => `${node.html} ${node.failureSummary}`),
    }));
  });
  return violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.join("\n  ")}`);
}

/** Takes a picture for people to look at. */
export const picture = (page, name) => page.screenshot({ path: join(ARTIFACTS, `${name}.png`), animations: "disabled" });
