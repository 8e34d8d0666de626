// How one looked at a board comes back: in another browser of the same person, and for nobody else.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { card, conversation, launch, person } from "./lib/browser.mjs";
import { makeRepo, startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let address;
let board;
let session;

before(async () => {
  grove = await startGrove();
  const repo = await grove.addRepo(makeRepo(grove.home, "lists").directory);
  board = await grove.firstBoard();
  address = `${grove.url}/b/${board.id}`;
  const prompt = "Take a look around and tell me what is here.";
  session = await grove.api("POST", "/sessions", { board_id: board.id, repo_id: repo.id, prompt, pos: [0, 0] });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

const layer = (page) =>
  page
    .locator(".board-layer")
    .first()
    .evaluate((element) => element.style.transform);

/** The view that the server keeps for whoever is signed in there. */
const kept = (page) => page.evaluate((path) => fetch(path).then((answer) => answer.json()), `/api/v1/boards/${board.id}/view`);

test("viewport, panel and tab are there again in another browser of the same person", async () => {
  const first = await person(browser, address, "Ana");
  const { page } = first;
  await card(page, /Take a look around/).click();
  await page.getByRole("tab", { name: /^Diff/ }).click();
  await page.mouse.move(300, 600);
  await page.mouse.wheel(240, 130);
  await page.getByRole("button", { name: "Zoom out" }).click();
  await until("the zoom in the daemon", async () => (await kept(page)).viewport?.[2] === 0.8);
  const view = await until("the panel in the daemon", async () => {
    const now = await kept(page);
    return now.panels?.[0]?.tab === "diff" ? now : null;
  });
  assert.equal(view.panels[0].target, `session:${session.id}`);

  const state = await first.context.storageState();
  const second = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    storageState: { cookies: state.cookies, origins: [] },
  });
  const other = await second.newPage();
  await other.goto(address);
  await other.getByRole("tab", { name: /^Diff/, selected: true }).waitFor();
  const [x, y, z] = view.viewport;
  await until("the same part of the board", async () => {
    const numbers = (await layer(other)).match(/-?[\d.]+/g).map(Number);
    return Math.abs(numbers[0] + x * z) < 2 && Math.abs(numbers[1] + y * z) < 2 && numbers[2] === z;
  });
  await second.close();
  await first.context.close();
});

test("somebody else begins with everything in view and no panel", async () => {
  const { context, page, faults } = await person(browser, address, "Bruno");
  await card(page, /Take a look around/).waitFor();
  assert.equal(await conversation(page).count(), 0);
  assert.equal(await page.getByRole("tab", { name: /^Diff/ }).count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});
