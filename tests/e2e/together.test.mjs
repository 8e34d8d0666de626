// Two people on one board: pointers, a session from prompt to diff, and a night's sleep (reload).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { card, conversation, launch, person, startSession } from "./lib/browser.mjs";
import { makeRepo, startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let repo;
let ana;
let bruno;

before(async () => {
  grove = await startGrove();
  repo = makeRepo(grove.home, "lists");
  await grove.addRepo(repo.directory);
  browser = await launch();
  const board = await grove.firstBoard();
  ana = await person(browser, `${grove.url}/b/${board.id}`, "Ana");
  bruno = await person(browser, `${grove.url}/b/${board.id}`, "Bruno");
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

test("a pointer appears in the other window where it is", async () => {
  const area = await ana.page.getByRole("region", { name: "Board" }).boundingBox();
  const [x, y] = [area.x + 500, area.y + 260];
  await ana.page.mouse.move(x - 40, y - 40);
  await ana.page.mouse.move(x, y, { steps: 5 });
  const pointer = bruno.page.locator('.peer-cursor[data-peer="Ana"]');
  await until("Ana's pointer at its place", async () => {
    const box = await pointer.boundingBox();
    return box && Math.abs(box.x - x) <= 4 && Math.abs(box.y - y) <= 4;
  });
});

test("one prompts, the other watches, answers and sees the diff; nothing else is touched", async () => {
  await startSession(ana.page, "edit the list, please");
  const title = /edit the list, please/;
  await card(bruno.page, title).waitFor();
  await card(bruno.page, title).click();
  const words = conversation(bruno.page);

  const lengths = new Set();
  await until("text that grows", async () => {
    const [text] = await words.locator("[data-message]").allInnerTexts();
    if (text) lengths.add(text.length);
    return lengths.size >= 3;
  });
  const request = bruno.page.getByRole("region", { name: /^Permission needed/ });
  await request.waitFor();
  await card(ana.page, /needs you/i).waitFor();
  await request.getByText("wc -l < list.txt").waitFor();
  await request.getByRole("button", { name: /^Allow/ }).click();
  await request.waitFor({ state: "detached" });
  await conversation(ana.page).getByText("Bruno allowed this").waitFor();
  await words.getByText("Both files are written.").waitFor();
  await card(bruno.page, /Idle/).waitFor();

  const session = (await grove.api("GET", "/sessions")).items[0];
  const worktree = await grove.api("GET", `/worktrees/${session.worktree_id}`);
  assert.equal(readFileSync(join(worktree.path, "list.txt"), "utf8"), "one\ntwo\nthree\nfour\n");
  assert.match(worktree.branch, /^grove\//);
  assert.equal(readFileSync(join(repo.directory, "list.txt"), "utf8"), "one\ntwo\nthree\n");
  assert.equal(repo.git("status", "--porcelain"), "");
  assert.equal(repo.git("branch", "--format=%(refname:short)").trim(), "main");

  await bruno.page.getByRole("tab", { name: /^Diff 2/ }).click();
  const file = bruno.page.getByRole("region", { name: "Changes of list.txt" });
  await file.getByText("four").waitFor();
  await bruno.page.getByRole("region", { name: "Changes of count.txt" }).waitFor();
});

test("a card that one moves lies in the new place for both, also after a reload", async () => {
  const title = /edit the list, please/;
  await ana.page.keyboard.press("Escape");
  await bruno.page.keyboard.press("Escape");
  const box = await card(ana.page, title).boundingBox();
  await ana.page.mouse.move(box.x + 150, box.y + 20);
  await ana.page.mouse.down();
  await ana.page.mouse.move(box.x + 250, box.y + 120, { steps: 8 });
  const place = async ({ page }) => (await card(page, title).evaluate((element) => element.style.transform)) ?? "";
  const dragged = await place(ana);
  await until("the live drag in the other window", async () => (await place(bruno)) === dragged);
  await ana.page.mouse.up();
  await until("the drop in the daemon", async () => {
    const [session] = (await grove.api("GET", "/sessions")).items;
    const object = await grove.api("GET", `/boards/${session.board_id}/objects/${session.id}`);
    return dragged === `translate(${object.pos[0]}px, ${object.pos[1]}px)`;
  });
  await Promise.all([ana.page.reload(), bruno.page.reload()]);
  await card(ana.page, title).click();
  await card(bruno.page, title).click();
  assert.equal(await place(ana), dragged);
  assert.equal(await place(bruno), dragged);
  for (const { page } of [ana, bruno]) await conversation(page).getByText("Both files are written.").waitFor();
  const texts = await Promise.all([ana, bruno].map(({ page }) => conversation(page).textContent()));
  assert.equal(texts[0], texts[1]);
});

test("a note that one writes is there for the other, can be changed and goes when deleted", async () => {
  for (const { page } of [ana, bruno]) await page.keyboard.press("Escape");
  await ana.page.getByRole("button", { name: "New note" }).click();
  await ana.page.keyboard.press("Enter");
  await ana.page.getByLabel("Words of the note").fill("Buy milk");
  await ana.page.keyboard.press("Control+Enter");
  const note = (page, text) => page.getByRole("group", { name: `Note: ${text}` });
  await note(bruno.page, "Buy milk").dblclick();
  await bruno.page.getByLabel("Words of the note").fill("Buy oat milk");
  await bruno.page.keyboard.press("Control+Enter");
  await note(ana.page, "Buy oat milk").click();
  await ana.page.getByRole("toolbar", { name: "Selection" }).getByRole("button", { name: "Delete" }).click();
  await note(bruno.page, "Buy oat milk").waitFor({ state: "detached" });
});

test("no page reported a fault", () => {
  assert.deepEqual([...ana.faults, ...bruno.faults], []);
});
