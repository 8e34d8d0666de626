// Three people of different rights on one board: what each sees, can do, and is told when a right ends.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, card, conversation, launch, person, picture } from "./lib/browser.mjs";
import { makeRepo, startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let board;
let ana;
let bruno;
let vera;
const ids = {};

before(async () => {
  grove = await startGrove();
  browser = await launch();
  // Whoever has taken no name acts as the owner, and so do the calls of this test.
  await grove.api("PATCH", "/users/me", { name: "Ana" });
  const open = await grove.firstBoard();
  const there = `${grove.url}/b/${open.id}`;
  ana = await person(browser, there, null);
  bruno = await person(browser, there, "Bruno");
  vera = await person(browser, there, "Vera");
  for (const user of (await grove.api("GET", "/users")).items) ids[user.name] = user.id;
  const repo = await grove.addRepo(makeRepo(grove.home, "lists").directory);
  board = await grove.api("POST", "/boards", { name: "Release", visibility: "private" });
  await grove.api("POST", "/sessions", { board_id: board.id, repo_id: repo.id, prompt: "edit the list and ask", pos: [0, 0] });
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

const title = /edit the list and ask/;
const address = () => `${grove.url}/b/${board.id}`;
const rightsDialog = (page) => page.getByRole("dialog", { name: "Share “Release”" });
const place = (page) => card(page, title).evaluate((element) => element.style.transform);

async function drag(page) {
  const box = await card(page, title).boundingBox();
  await page.mouse.move(box.x + 150, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 230, box.y + 100, { steps: 6 });
  await page.mouse.up();
}

test("a private board does not exist for those who are not named", async () => {
  for (const { page } of [bruno, vera]) {
    await page.goto(address());
    await page.getByText("This board is not there, or not shared with you").waitFor();
  }
});

test("the owner shares the board with two people, and it is there for them at once", async () => {
  const { page } = ana;
  await page.goto(address());
  await card(page, title).waitFor();
  await page.getByRole("button", { name: "Share", exact: true }).click();
  const dialog = rightsDialog(page);
  await dialog.getByLabel("Right of whom is added").selectOption("view");
  await dialog.getByLabel("Add a person or a group").selectOption({ label: "Vera" });
  await dialog.getByLabel("Right of Vera", { exact: true }).waitFor();
  await dialog.getByLabel("Right of whom is added").selectOption("prompt");
  await dialog.getByLabel("Add a person or a group").selectOption({ label: "Bruno" });
  await dialog.getByLabel("Right of Bruno", { exact: true }).waitFor();
  assert.deepEqual(await axe(page), []);
  await picture(page, "share");
  await page.keyboard.press("Escape");
  for (const { page: other } of [bruno, vera]) await card(other, title).waitFor();
});

test("who may view sees everything, can change nothing, and is told why", async () => {
  const { page } = vera;
  await page.getByRole("toolbar", { name: "Board tools" }).getByText("You can view this board. Ana can give you more.").waitFor();
  assert.equal(await page.getByRole("button", { name: "New session" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "New note" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Comment", exact: true }).count(), 0);
  const before = await place(page);
  await drag(page);
  assert.equal(await place(page), before, "the card stays where it is");
  await page.keyboard.press("n");
  await page.keyboard.press("s");
  assert.equal(await page.getByRole("dialog").count(), 0);
  await card(page, title).click();
  await conversation(page).waitFor();
  const request = page.getByRole("region", { name: /^Permission needed/ });
  await request.waitFor();
  assert.ok(await request.getByRole("button", { name: /^Allow/ }).isDisabled());
  await request.getByText("Ana can give you more.").waitFor();
  const panel = page.getByRole("complementary", { name: "Session" });
  assert.equal(await panel.getByRole("textbox", { name: "Prompt" }).count(), 0);
  assert.equal(await panel.getByRole("button", { name: "Stop" }).count(), 0);
  assert.deepEqual(await axe(page), []);
  await picture(page, "viewer");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Share", exact: true }).click();
  const dialog = rightsDialog(page);
  assert.ok(await dialog.getByLabel("Right of Bruno", { exact: true }).isDisabled());
  await dialog.getByRole("button", { name: "Why can I, or why not?" }).click();
  await dialog
    .getByRole("list", { name: "Reasons" })
    .getByText(/grant|given/i)
    .waitFor();
  await page.keyboard.press("Escape");
});

test("who may prompt moves and prompts, and does not answer for somebody else's turn", async () => {
  const { page } = bruno;
  await page.getByRole("button", { name: "New note" }).waitFor();
  const before = await place(page);
  await drag(page);
  await until("the card in the new place, for the viewer too", async () => {
    const now = await place(page);
    return now !== before && now === (await place(vera.page));
  });
  await card(page, title).click();
  const request = page.getByRole("region", { name: /^Permission needed/ });
  await request.getByText("This turn was prompted by somebody else.").waitFor();
  assert.ok(await request.getByRole("button", { name: /^Allow/ }).isDisabled());
  await ana.page
    .getByRole("button", { name: /^Fit|Show everything/ })
    .first()
    .waitFor();
  await card(ana.page, title).click();
  await ana.page
    .getByRole("region", { name: /^Permission needed/ })
    .getByRole("button", { name: /^Allow/ })
    .click();
  await request.waitFor({ state: "detached" });
  const field = page.getByRole("textbox", { name: "Prompt" });
  await field.fill("Take a look around and tell me what is here.");
  await page.getByRole("button", { name: "Send" }).click();
  await conversation(page).getByText("Bruno").first().waitFor();
});

test("a right that is lowered while the board is open takes the controls away at once", async () => {
  await grove.api("PUT", `/boards/${board.id}/grants/${ids.Bruno}`, { right: "view" });
  const { page } = bruno;
  await page.getByRole("toolbar", { name: "Board tools" }).getByText("You can view this board.").waitFor();
  await page.getByRole("textbox", { name: "Prompt" }).waitFor({ state: "detached" });
  const before = await place(page);
  await drag(page);
  assert.equal(await place(page), before);
});

test("a right that is taken away closes the board at once and leaves nothing of it", async () => {
  await grove.api("DELETE", `/boards/${board.id}/grants/${ids.Bruno}`);
  const { page } = bruno;
  await page.getByText("This board is not there, or not shared with you").waitFor();
  assert.equal(await card(page, title).count(), 0);
  const kept = await page.evaluate(
    (id) =>
      new Promise((done) => {
        const opened = indexedDB.open("grove");
        opened.onsuccess = () => {
          const read = opened.result.transaction("states").objectStore("states").get(`board:${id}`);
          read.onsuccess = () => done(read.result ?? null);
        };
      }),
    board.id,
  );
  assert.equal(kept, null, "the browser keeps nothing of the board");
});

test("no page reported a fault", () => {
  assert.deepEqual([...ana.faults, ...bruno.faults, ...vera.faults], []);
});
