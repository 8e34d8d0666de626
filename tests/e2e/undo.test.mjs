// Taking back what one did, here and while others work on the same things.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, person, saved } from "./lib/browser.mjs";
import { startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let board;
let ana;
let bruno;

before(async () => {
  grove = await startGrove();
  board = await grove.firstBoard();
  browser = await launch();
  ana = await person(browser, `${grove.url}/b/${board.id}`, "Ana");
  bruno = await person(browser, `${grove.url}/b/${board.id}`, "Bruno");
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

const note = (page, text) => page.getByRole("group", { name: `Note: ${text}` });
const makeNote = (text, pos) => grove.api("POST", `/boards/${board.id}/objects`, { kind: "note", pos, text, color: "amber" });
const stored = (id) => grove.api("GET", `/boards/${board.id}/objects/${id}`);

/** Moves a note by keyboard, 20 units to the right. */
async function nudge({ page }, text) {
  await note(page, text).focus();
  await page.keyboard.press("Alt+ArrowRight");
}

test("a move is taken back and made again, for everybody", async () => {
  const { id } = await makeNote("Moves", [0, 0]);
  await nudge(ana, "Moves");
  await until("the move in the daemon", async () => (await stored(id)).pos[0] === 20);
  await saved(ana);
  await ana.page.keyboard.press("Control+z");
  await until("the note where it was", async () => (await stored(id)).pos[0] === 0);
  await saved(ana);
  await ana.page.keyboard.press("Control+Shift+z");
  await until("the note moved again", async () => (await stored(id)).pos[0] === 20);
  await ana.page.getByRole("button", { name: "Undo" }).click();
  await until("the note where it was again", async () => (await stored(id)).pos[0] === 0);
  assert.equal(await bruno.page.getByRole("button", { name: "Undo" }).isEnabled(), false, "others have nothing of it to undo");
});

test("what somebody else has changed since stays, and it says who did", async () => {
  const { id } = await makeNote("Disputed", [0, 200]);
  await nudge(ana, "Disputed");
  await until("Ana's move in Bruno's window", async () => (await stored(id)).pos[0] === 20);
  await nudge(bruno, "Disputed");
  await until("Bruno's move in the daemon", async () => (await stored(id)).pos[0] === 40);
  await until("Bruno's move in Ana's window", async () => {
    const transform = await note(ana.page, "Disputed").evaluate((element) => element.style.transform);
    return transform.includes("(40px");
  });
  await saved(ana);
  await ana.page.keyboard.press("Control+z");
  await ana.page.getByText("Bruno has changed it since").waitFor();
  assert.equal((await stored(id)).pos[0], 40);
});

test("a deleted note comes back with its words", async () => {
  const { id } = await makeNote("Precious", [0, 400]);
  await note(ana.page, "Precious").click();
  await ana.page.getByRole("toolbar", { name: "Selection" }).getByRole("button", { name: "Delete" }).click();
  await note(bruno.page, "Precious").waitFor({ state: "detached" });
  await saved(ana);
  await ana.page.keyboard.press("Control+z");
  await note(bruno.page, "Precious").waitFor();
  assert.equal((await stored(id)).text, "Precious");
});

test("no page reported a fault", () => {
  assert.deepEqual([...ana.faults, ...bruno.faults], []);
});
