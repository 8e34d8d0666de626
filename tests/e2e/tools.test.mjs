// Making and changing things on a board, by pointer and by keyboard, seen by somebody else.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, launch, person, picture, saved } from "./lib/browser.mjs";
import { startGrove } from "./lib/grove.mjs";
import { until } from "./lib/wait.mjs";

let grove;
let browser;
let board;
let ana;
let bruno;

before(async () => {
  grove = await startGrove();
  browser = await launch();
  board = await grove.firstBoard();
  ana = await person(browser, `${grove.url}/b/${board.id}`, "Ana");
  bruno = await person(browser, `${grove.url}/b/${board.id}`, "Bruno");
  for (const { page } of [ana, bruno]) await tools(page).waitFor();
});

after(async () => {
  await browser?.close();
  await grove?.stop();
});

const tools = (page) => page.getByRole("toolbar", { name: "Board tools" });
const group = (page, name) => page.getByRole("group", { name });
const objects = async () => (await grove.api("GET", `/boards/${board.id}/objects`)).items;
const find = async (kind, text) => (await objects()).find((it) => it.kind === kind && (text === undefined || it.text === text));

/** A point of Ana's board, in the window. */
async function point(page, x, y) {
  const area = await page.getByRole("region", { name: "Board" }).boundingBox();
  return [area.x + x, area.y + y];
}

async function drag(page, from, to) {
  await page.mouse.move(...from);
  await page.mouse.down();
  await page.mouse.move((from[0] + to[0]) / 2, (from[1] + to[1]) / 2, { steps: 4 });
  await page.mouse.move(...to, { steps: 4 });
  await page.mouse.up();
}

async function middle(locator) {
  // It may be drawn anew just now, and have no box for a moment.
  const box = await until("its place", () => locator.boundingBox());
  return [box.x + box.width / 2, box.y + box.height / 2];
}

test("a zone is drawn with the pointer and named, and the other sees it", async () => {
  const { page } = ana;
  await page.keyboard.press("z");
  await page.getByRole("status").getByText("Click or drag").waitFor();
  await drag(page, await point(page, 200, 200), await point(page, 620, 560));
  await page.getByLabel("Name of the zone").fill("Release");
  await page.keyboard.press("Enter");
  await group(bruno.page, "Zone: Release").waitFor();
  const zone = await until("the zone in the daemon", () => find("zone", "Release"));
  assert.deepEqual(zone.size, [420, 360]);
});

test("notes are placed by click and by keyboard alone", async () => {
  const { page } = ana;
  await tools(page).getByRole("button", { name: "New note" }).click();
  await page.mouse.click(...(await point(page, 360, 330)));
  await page.getByLabel("Words of the note").fill("First");
  await page.keyboard.press("Control+Enter");
  await page.keyboard.press("n");
  await page.keyboard.press("Enter");
  await page.getByLabel("Words of the note").fill("Second");
  await page.keyboard.press("Control+Enter");
  for (const text of ["First", "Second"]) await group(bruno.page, `Note: ${text}`).waitFor();
});

test("an arrow is drawn from one thing to another, is seen by both, and goes with its end", async () => {
  const { page } = ana;
  await drag(page, await middle(group(page, "Note: Second")), await point(page, 960, 380));
  await tools(page).getByRole("button", { name: "Draw an arrow" }).click();
  await page.mouse.click(...(await middle(group(page, "Note: First"))));
  await page.getByRole("status").getByText("what the arrow points to").waitFor();
  await page.mouse.click(...(await middle(group(page, "Note: Second"))));
  const arrow = (name) => group(bruno.page, name);
  await arrow("Arrow from First to Second").waitFor();
  await group(page, "Arrow from First to Second").dblclick();
  await page.getByLabel("Label of the arrow").fill("then");
  await page.keyboard.press("Enter");
  await arrow("Arrow from First to Second: then").waitFor();
  assert.ok(await find("edge", "then"));
});

test("an arrow is drawn with the keyboard alone", async () => {
  const { page } = ana;
  await group(page, "Note: Second").focus();
  await page.keyboard.press("x");
  await group(page, "Note: First").focus();
  await page.keyboard.press("Enter");
  await group(bruno.page, "Arrow from Second to First").waitFor();
  await page.keyboard.press("Delete");
  await group(bruno.page, "Arrow from Second to First").waitFor({ state: "detached" });
});

test("a zone takes along what lies in it", async () => {
  const { page } = ana;
  const before = await find("note", "First");
  const outside = await find("note", "Second");
  const zone = await find("zone");
  const from = await middle(group(page, "Zone: Release"));
  await drag(page, from, [from[0] + 40, from[1] + 60]);
  const after = await until("the note at its new place", async () => {
    const note = await find("note", "First");
    return note.pos[0] !== before.pos[0] ? note : null;
  });
  const moved = await find("zone");
  assert.deepEqual([after.pos[0] - before.pos[0], after.pos[1] - before.pos[1]], [moved.pos[0] - zone.pos[0], moved.pos[1] - zone.pos[1]]);
  assert.deepEqual((await find("note", "Second")).pos, outside.pos);
});

test("size, colour, order and lock are changed by handle, menu and key", async () => {
  const { page } = ana;
  await page.mouse.click(...(await middle(group(page, "Note: Second"))));
  const corner = page.locator('[data-handle="se"]');
  const from = await middle(corner);
  await drag(page, from, [from[0] + 80, from[1] + 48]);
  await until("the new size", async () => (await find("note", "Second")).size[0] > 280);
  const bar = page.getByRole("toolbar", { name: "Selection" });
  await bar.getByRole("button", { name: "Colour" }).click();
  await page.getByRole("menuitem", { name: "violet" }).click();
  await until("the new colour", async () => (await find("note", "Second")).color === "violet");
  const below = (await find("note", "Second")).ord;
  await page.keyboard.press("Shift+BracketLeft");
  await until("the new place in the pile", async () => (await find("note", "Second")).ord < below);
  await page.keyboard.press("Shift+L");
  await until("the lock", async () => (await find("note", "Second")).is_locked);
  const { pos } = await find("note", "Second");
  const at = await middle(group(page, "Note: Second"));
  await drag(page, at, [at[0] + 100, at[1]]);
  assert.deepEqual((await find("note", "Second")).pos, pos);
  await bar.getByRole("button", { name: "Unlock" }).click();
  await until("no lock", async () => !(await find("note", "Second")).is_locked);
});

test("several things are selected, lined up, copied and deleted together", async () => {
  const { page } = ana;
  await group(page, "Note: Second").click();
  await group(page, "Note: First").click({ modifiers: ["Shift"] });
  const bar = page.getByRole("toolbar", { name: "Selection" });
  await bar.getByText("2 selected").waitFor();
  await bar.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Align tops" }).click();
  await until("both at one height", async () => (await find("note", "First")).pos[1] === (await find("note", "Second")).pos[1]);
  await page.keyboard.press("Control+d");
  await until("copies with their arrow", async () => {
    const all = await objects();
    return all.filter((it) => it.kind === "note").length === 4 && all.filter((it) => it.kind === "edge").length === 2;
  });
  const count = async () => (await objects()).filter((it) => it.kind === "note" || it.kind === "edge").length;
  await page.keyboard.press("Delete");
  await until("only the first ones", async () => (await count()) === 3);
  await saved(ana);
  await page.keyboard.press("Control+z");
  await until("copies and their arrow again", async () => (await count()) === 6);
  await saved(ana);
  await page.keyboard.press("Control+Shift+z");
  await until("only the first ones again", async () => (await count()) === 3);
});

test("what was deleted comes back by undo, and goes again by redo", async () => {
  const { page } = ana;
  await group(page, "Note: Second").click();
  await page.keyboard.press("Delete");
  await group(bruno.page, "Note: Second").waitFor({ state: "detached" });
  await saved(ana);
  await page.keyboard.press("Control+z");
  await group(bruno.page, "Note: Second").waitFor();
  await saved(ana);
  await page.keyboard.press("Control+Shift+z");
  await group(bruno.page, "Note: Second").waitFor({ state: "detached" });
  await saved(ana);
  await page.keyboard.press("Control+z");
  await group(bruno.page, "Note: Second").waitFor();
});

test("a thing is copied to another board through the clipboard of the system", async () => {
  const { page } = ana;
  await ana.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const other = await grove.api("POST", "/boards", { name: "Other" });
  await group(page, "Note: First").click();
  await page.keyboard.press("Control+c");
  const second = await ana.context.newPage();
  await second.goto(`${grove.url}/b/${other.id}`);
  await tools(second).waitFor();
  await second.keyboard.press("Control+v");
  await group(second, "Note: First").waitFor();
  await second.close();
});

test("a text whose writing is called off leaves nothing, neither on the board nor to undo", async () => {
  const { page } = ana;
  const before = (await objects()).length;
  await page.keyboard.press("t");
  await page.mouse.click(...(await point(page, 420, 640)));
  const field = page.getByLabel("Words of the text");
  await field.waitFor();
  await until("the text in the daemon", async () => (await objects()).length === before + 1);
  await page.keyboard.press("Escape");
  await field.waitFor({ state: "detached" });
  await until("no text in the daemon", async () => (await objects()).length === before);
  assert.equal(await group(page, /^Text: empty/).count(), 0);
  await saved(ana);
  // Nor does a click elsewhere leave one.
  await page.keyboard.press("t");
  await page.mouse.click(...(await point(page, 420, 640)));
  await field.waitFor();
  await page.mouse.click(...(await point(page, 700, 680)));
  await until("no text in the daemon", async () => (await objects()).length === before);
});

test("a document opens in the panel, is written there and read by the other", async () => {
  const { page } = ana;
  await tools(page).getByRole("button", { name: "New document" }).click();
  await page.keyboard.press("Enter");
  const panel = page.getByRole("complementary", { name: "Document" });
  await panel.getByLabel("Title of the document").fill("Plan");
  await panel.getByLabel("Title of the document").press("Enter");
  await group(bruno.page, "Document: Plan").waitFor();
  await panel.getByRole("button", { name: "Close the document" }).click();
  await panel.waitFor({ state: "detached" });
  assert.equal((await find("document")).title, "Plan");
});

test("everything on the board is in the outline, which is used by keyboard alone", async () => {
  const { page } = bruno;
  await page.keyboard.press("Control+Shift+o");
  const tree = page.getByRole("tree", { name: "Things on this board" });
  await tree.getByRole("treeitem", { name: "zone Release" }).focus();
  await page.keyboard.press("ArrowDown");
  await until("the note inside", () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") === "note First"));
  await page.keyboard.press("Space");
  await page.getByRole("toolbar", { name: "Selection" }).waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await axe(page), []);
    await picture(page, `tools-${colorScheme}`);
  }
  await page.keyboard.press("Control+Shift+o");
  await tree.waitFor({ state: "detached" });
});

test("no page reported a fault", () => {
  assert.deepEqual([...ana.faults, ...bruno.faults], []);
});
