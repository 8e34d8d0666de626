// What keeps an agent in its place, as people see it; and an executor that goes away.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, launch, person, picture } from "./lib/browser.mjs";
import { makeRepo, startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let session;

before(async () => {
  grove = await startGrove();
  const repo = await grove.addRepo(makeRepo(grove.home, "kept").directory);
  const board = await grove.firstBoard();
  const prompt = "gated until /nonexistent";
  const made = await grove.api("POST", "/sessions", { board_id: board.id, repo_id: repo.id, prompt });
  session = await until("the agent works", async () => {
    const now = await grove.api("GET", `/sessions/${made.id}`);
    return now.state === "running" ? now : null;
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

test("the panel says how the agent is kept, and what became of its executor", async () => {
  const { page, faults } = await person(browser, `${grove.url}/b/${session.board_id}/s/${session.id}`, null);
  const panel = page.getByRole("region", { name: "Session" });
  await panel.getByRole("button", { name: /sandbox/i }).click();
  const details = page.getByRole("dialog", { name: "Sandbox" });
  await details.getByText("Account", { exact: true }).waitFor();
  await picture(page, "sandbox");
  assert.deepEqual(await axe(page), []);
  await page.keyboard.press("Escape");

  const { pid } = await grove.api("GET", `/executors/${session.executor.id}`);
  process.kill(pid, "SIGKILL");
  const note = panel.getByRole("status").filter({ hasText: "killed by SIGKILL" });
  await note.waitFor();
  assert.deepEqual(await axe(page), []);

  await panel.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Restart the executor" }).click();
  await note.waitFor({ state: "detached" });
  const { executor } = await grove.api("GET", `/sessions/${session.id}`);
  assert.notEqual(executor.id, session.executor.id);
  assert.deepEqual([executor.state, executor.end], ["healthy", null]);
  assert.deepEqual(faults, []);
});

test("the status bar names the isolation of the instance", async () => {
  const { page } = await person(browser, grove.url, null);
  await page
    .getByRole("contentinfo")
    .getByText(/sandbox/i)
    .waitFor();
});
